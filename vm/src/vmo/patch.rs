//! Deltas: an object with some of its bytes replaced.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use super::page::{PAGE_SIZE, PageSupply};
use super::rope::{Piece, Rope};
use super::tree::{Link, level_for};
use super::{Rights, VmoError, VmoHandle};

/// Bytes to be put at an offset.
#[derive(Clone, Copy, Debug)]
pub struct Patch<'a> {
    /// Where, in bytes from the beginning of the object.
    pub offset: u64,
    /// The bytes.
    pub bytes: &'a [u8],
}

impl Patch<'_> {
    fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }

    /// Numbers of the pages that the patch touches.
    fn pages(&self) -> Range<u64> {
        self.offset / PAGE_SIZE..self.end().div_ceil(PAGE_SIZE)
    }
}

impl<S: PageSupply> VmoHandle<S> {
    /// This object with the bytes of `patches` in place of its own, and the rights of this handle. The pages that a patch
    /// touches are made anew, all others are shared. Patches may come in any order; empty ones are ignored.
    ///
    /// # Errors
    /// [`VmoError::Denied`] without [`Rights::READ`], [`VmoError::OutOfRange`] when a patch reaches beyond the end,
    /// [`VmoError::Overlap`], [`VmoError::OutOfPages`], [`VmoError::Missing`] when a patch covers a page that is not held
    /// only in part.
    pub fn patch(&self, patches: &[Patch<'_>]) -> Result<Self, VmoError> {
        self.demand(Rights::READ)?;
        let mut sorted: Vec<Patch<'_>> = patches
            .iter()
            .filter(|p| !p.bytes.is_empty())
            .copied()
            .collect();
        for patch in &sorted {
            self.check_range(
                patch.offset,
                patch.offset.checked_add(patch.bytes.len() as u64),
            )?;
        }
        sorted.sort_unstable_by_key(|patch| patch.offset);
        if let Some(pair) = sorted
            .windows(2)
            .find(|pair| pair[0].end() > pair[1].offset)
        {
            return Err(VmoError::Overlap(pair[1].offset));
        }
        let base = self.rope();
        let (mut done, mut result) = (0, Rope::Empty);
        for run in runs(&sorted) {
            let (start, patched) = self.patched(&base, run)?;
            let end = start + patched.len();
            let untouched = base.slice(done, start);
            result = Rope::concat(result, untouched, |_, _| None);
            result = Rope::concat(result, patched, |_, _| None);
            done = end;
        }
        result = Rope::concat(result, base.slice(done, self.size()), |_, _| None);
        Ok(Self::new(self.vmo.store.clone(), result, self.rights))
    }

    /// Where the pages of a run of patches begin, and the bytes of these pages with the patches applied.
    fn patched(
        &self,
        base: &Rope<S::Page>,
        run: &[Patch<'_>],
    ) -> Result<(u64, Rope<S::Page>), VmoError> {
        let (first, last) = (run[0].pages().start, run[run.len() - 1].pages().end);
        let start = first * PAGE_SIZE;
        let len = (last * PAGE_SIZE).min(self.size()) - start;
        let mut leaves = Vec::new();
        let mut rest = run;
        for index in first..last {
            let done = rest
                .iter()
                .take_while(|patch| patch.end() <= index * PAGE_SIZE)
                .count();
            rest = &rest[done..];
            leaves.push((
                index - first,
                self.patched_page(base, index * PAGE_SIZE, rest)?,
            ));
        }
        let level = level_for(len);
        let tree = Link::Zero.updated(level, 0, &mut leaves.into_iter().peekable());
        Ok((start, Rope::of(Piece::subtree(tree, level, len))))
    }

    /// The page that begins at byte `start`; `patches` begin with the first that ends after it.
    fn patched_page(
        &self,
        base: &Rope<S::Page>,
        start: u64,
        patches: &[Patch<'_>],
    ) -> Result<Link<S::Page>, VmoError> {
        let end = (start + PAGE_SIZE).min(self.size());
        let covered = patches
            .first()
            .is_some_and(|p| p.offset <= start && p.end() >= end);
        let mut held = Ok(());
        let page = self.vmo.store.new_page(|bytes| {
            if !covered {
                held = base.read(start, &mut bytes[..(end - start) as usize]);
            }
            for patch in patches.iter().take_while(|patch| patch.offset < end) {
                let (from, to) = (patch.offset.max(start), patch.end().min(end));
                let source =
                    &patch.bytes[(from - patch.offset) as usize..(to - patch.offset) as usize];
                bytes[(from - start) as usize..(to - start) as usize].copy_from_slice(source);
            }
        })?;
        held?;
        Ok(Link::page(Arc::new(page)))
    }
}

/// Patches grouped so that those of one group touch pages that adjoin.
fn runs<'p, 'b>(sorted: &'p [Patch<'b>]) -> impl Iterator<Item = &'p [Patch<'b>]> {
    sorted.chunk_by(|a, b| a.pages().end >= b.pages().start)
}
