//! Where two objects differ: both page trees, walked side by side.

use alloc::vec::Vec;
use core::ops::Range;

use super::page::{PageMemory, PageSupply};
use super::tree::{Link, level_for};
use super::{VmoError, VmoHandle};
use crate::hash::Hasher;

impl<S: PageSupply> VmoHandle<S> {
    /// Ranges of page numbers at which the two objects differ, found by walking both page trees side by side. A page beyond
    /// the end of one object counts as zeros; the sizes themselves are not compared.
    ///
    /// # Errors
    /// As [`id`](Self::id), on either object.
    pub fn diff(&self, other: &Self) -> Result<Vec<Range<u64>>, VmoError> {
        let (a, b) = (self.canonical()?, other.canonical()?);
        let (a, b) = (
            (&a.root, level_for(self.size())),
            (&b.root, level_for(other.size())),
        );
        Ok(differing(
            a,
            &self.vmo.store.0.hasher,
            b,
            &other.vmo.store.0.hasher,
        ))
    }
}

/// A tree and its level.
type Tree<'a, M> = (&'a Link<M>, u8);

/// Ranges of differing pages, ascending and apart from each other. Equal subtrees are not entered.
fn differing<M: PageMemory, N: PageMemory>(
    a: Tree<'_, M>,
    a_hasher: &Hasher,
    b: Tree<'_, N>,
    b_hasher: &Hasher,
) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    walk(a, a_hasher, b, b_hasher, a.1.max(b.1), 0, &mut ranges);
    ranges
}

/// Compares both trees at `level`, which at least one of them has; the lower one is the beginning of a larger tree of zeros.
fn walk<M: PageMemory, N: PageMemory>(
    a: Tree<'_, M>,
    a_hasher: &Hasher,
    b: Tree<'_, N>,
    b_hasher: &Hasher,
    level: u8,
    first: u64,
    ranges: &mut Vec<Range<u64>>,
) {
    if matches!((a.0, b.0), (Link::Zero, Link::Zero)) {
        return;
    }
    if a.1 == b.1 && a.0.digest(level, a_hasher) == b.0.digest(level, b_hasher) {
        return;
    }
    if level == 0 {
        match ranges.last_mut() {
            Some(range) if range.end == first => range.end += 1,
            _ => ranges.push(first..first + 1),
        }
        return;
    }
    let (a_left, a_right) = halves(a, level);
    let (b_left, b_right) = halves(b, level);
    walk(a_left, a_hasher, b_left, b_hasher, level - 1, first, ranges);
    let middle = first + (1 << (level - 1));
    walk(
        a_right,
        a_hasher,
        b_right,
        b_hasher,
        level - 1,
        middle,
        ranges,
    );
}

fn halves<M: PageMemory>((link, own): Tree<'_, M>, level: u8) -> (Tree<'_, M>, Tree<'_, M>) {
    if own < level {
        return ((link, own), (&Link::Zero, level - 1));
    }
    let (left, right) = link.halves();
    ((left, own - 1), (right, own - 1))
}
