//! The page tree: a persistent binary tree over pages, which stores bytes and hashes at once.
//!
//! Roles: a [`Link`] is a subtree of 2^level pages, and knows neither its level nor its place; a [`Branch`] keeps the digest of
//! its two halves once computed. An update copies the path to the changed pages and shares the rest, digests included: that is
//! what makes hashing incremental. Depth is at most [`MAX_LEVEL`](crate::hash::MAX_LEVEL), so recursion is safe. Whoever goes through
//! all of a tree comes by [`Branch::halves`], which [pauses](PageMemory::pause), as does the end of each branch.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::iter::Peekable;

use spin::Once;

use super::page::{PAGE_SIZE, Page, PageMemory};
use crate::hash::{Digest, Hasher};

/// A page whose bytes are not held, only its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MissingPage(pub(crate) Digest);

/// A subtree.
#[derive(Debug)]
pub(crate) enum Link<M: PageMemory> {
    /// Zeros, at any level.
    Zero,
    /// Level 0: a page.
    Page(Arc<Page<M>>),
    /// Level 0: a page that is made of parts of other pages.
    Spliced(Arc<Spliced<M>>),
    /// Level 0: a page of which only the root is held.
    Missing(Arc<Digest>),
    /// Level 1 and above.
    Branch(Arc<Branch<M>>),
}

/// Two subtrees of equal level, not both [`Link::Zero`].
#[derive(Debug)]
pub(crate) struct Branch<M: PageMemory> {
    left: Link<M>,
    right: Link<M>,
    /// No page below is missing.
    complete: bool,
    digest: Once<Digest>,
}

/// Parts that lie end to end from the beginning of the page; zeros follow the last.
#[derive(Debug)]
pub(crate) struct Spliced<M: PageMemory> {
    pub(crate) parts: Box<[Part<M>]>,
    digest: Once<Digest>,
}

/// A range within a page, not empty.
#[derive(Debug)]
pub(crate) struct Part<M: PageMemory> {
    /// `None`: zeros.
    pub(crate) page: Option<Arc<Page<M>>>,
    pub(crate) start: u16,
    pub(crate) len: u16,
}

impl<M: PageMemory> Clone for Link<M> {
    fn clone(&self) -> Self {
        match self {
            Self::Zero => Self::Zero,
            Self::Page(page) => Self::Page(Arc::clone(page)),
            Self::Spliced(spliced) => Self::Spliced(Arc::clone(spliced)),
            Self::Missing(root) => Self::Missing(Arc::clone(root)),
            Self::Branch(branch) => Self::Branch(Arc::clone(branch)),
        }
    }
}

impl<M: PageMemory> Clone for Part<M> {
    fn clone(&self) -> Self {
        Self {
            page: self.page.clone(),
            start: self.start,
            len: self.len,
        }
    }
}

/// Bytes below a subtree of `level`.
pub(crate) const fn capacity(level: u8) -> u64 {
    PAGE_SIZE << level
}

/// Level of the smallest tree that holds `size` bytes.
pub(crate) const fn level_for(size: u64) -> u8 {
    size.div_ceil(PAGE_SIZE)
        .next_power_of_two()
        .trailing_zeros() as u8
}

impl<M: PageMemory> Link<M> {
    /// A level 0 subtree of a page whose bytes may be zero.
    pub(crate) fn page(page: Arc<Page<M>>) -> Self {
        if crate::hash::is_zero(page.bytes()) {
            Self::Zero
        } else {
            Self::Page(page)
        }
    }

    /// The subtree above `left` and `right`.
    pub(crate) fn branch(left: Self, right: Self) -> Self {
        if matches!((&left, &right), (Self::Zero, Self::Zero)) {
            return Self::Zero;
        }
        let complete = left.is_complete() && right.is_complete();
        Self::Branch(Arc::new(Branch {
            left,
            right,
            complete,
            digest: Once::new(),
        }))
    }

    /// The left and right half of a subtree of level 1 or above.
    pub(crate) fn halves(&self) -> (&Self, &Self) {
        match self {
            Self::Branch(branch) => branch.halves(),
            _ => (&Self::Zero, &Self::Zero),
        }
    }

    /// No page is missing.
    pub(crate) fn is_complete(&self) -> bool {
        match self {
            Self::Branch(branch) => branch.complete,
            Self::Missing(_) => false,
            Self::Zero | Self::Page(_) | Self::Spliced(_) => true,
        }
    }

    /// One and the same subtree, by address.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Zero, Self::Zero) => true,
            (Self::Page(a), Self::Page(b)) => Arc::ptr_eq(a, b),
            (Self::Spliced(a), Self::Spliced(b)) => Arc::ptr_eq(a, b),
            (Self::Missing(a), Self::Missing(b)) => Arc::ptr_eq(a, b),
            (Self::Branch(a), Self::Branch(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// The subtree of level `wanted` that holds page `index` of this subtree of `level`.
    pub(crate) fn descend(&self, level: u8, wanted: u8, index: u64) -> &Self {
        let mut link = self;
        for below in (wanted..level).rev() {
            let Self::Branch(branch) = link else {
                return &Self::Zero;
            };
            let goes_left = index >> below & 1 == 0;
            link = if goes_left {
                &branch.left
            } else {
                &branch.right
            };
        }
        link
    }

    /// This subtree of `level`, whose first page is number `first`, with the pages of `changes` (ascending) put in place.
    pub(crate) fn updated(
        &self,
        level: u8,
        first: u64,
        changes: &mut Peekable<impl Iterator<Item = (u64, Self)>>,
    ) -> Self {
        let end = first + (1 << level);
        if level == 0 {
            return changes
                .next_if(|(index, _)| *index == first)
                .map_or(self.clone(), |(_, leaf)| leaf);
        }
        if changes.peek().is_none_or(|(index, _)| *index >= end) {
            return self.clone();
        }
        let (left, right) = self.halves();
        M::pause();
        let left = left.updated(level - 1, first, changes);
        let right = right.updated(level - 1, first + (1 << (level - 1)), changes);
        Self::branch(left, right)
    }

    /// Calls `visit` with the number and the subtree of each page of this subtree of `level`, empty ones left out.
    pub(crate) fn for_each_leaf(&self, level: u8, first: u64, visit: &mut impl FnMut(u64, &Self)) {
        match self {
            Self::Zero => {}
            Self::Branch(branch) => {
                let (left, right) = branch.halves();
                left.for_each_leaf(level - 1, first, visit);
                right.for_each_leaf(level - 1, first + (1 << (level - 1)), visit);
            }
            leaf => visit(first, leaf),
        }
    }

    /// Root of this subtree of `level`; hashes what has not been hashed yet.
    pub(crate) fn digest(&self, level: u8, hasher: &Hasher) -> Digest {
        match self {
            Self::Zero => hasher.zero(level),
            Self::Page(page) => page.leaf(hasher),
            Self::Missing(root) => **root,
            Self::Spliced(spliced) => *spliced.digest.call_once(|| {
                let mut bytes = [0; 4096];
                spliced.read(0, &mut bytes);
                hasher.leaf(&bytes)
            }),
            Self::Branch(branch) => *branch.digest.call_once(|| {
                let (left, right) = branch.halves();
                let left = left.digest(level - 1, hasher);
                let right = right.digest(level - 1, hasher);
                hasher.node(&left, &right)
            }),
        }
    }

    /// Hashes at most `budget` pages of this subtree of `level`, whose first page is number `first`, from page `from` on. Answers
    /// with which page to go on, none when all are hashed.
    pub(crate) fn hash_some(
        &self,
        (level, first): (u8, u64),
        from: u64,
        budget: &mut usize,
        hasher: &Hasher,
    ) -> Option<u64> {
        let known = match self {
            Self::Zero | Self::Missing(_) => true,
            Self::Page(page) => page.known_leaf().is_some(),
            Self::Spliced(spliced) => spliced.digest.is_completed(),
            Self::Branch(branch) => branch.digest.is_completed(),
        };
        if known || first + (1 << level) <= from {
            return None;
        }
        if let Self::Branch(branch) = self {
            let middle = first + (1 << (level - 1));
            let (left, right) = branch.halves();
            let rest = left.hash_some((level - 1, first), from, budget, hasher);
            return rest.or_else(|| right.hash_some((level - 1, middle), from, budget, hasher));
        }
        if *budget == 0 {
            return Some(first);
        }
        *budget -= 1;
        self.digest(0, hasher);
        None
    }

    /// Pages of this subtree that are not zeros, counted up to `most`.
    pub(crate) fn stored(&self, most: u64) -> u64 {
        match self {
            Self::Zero => 0,
            Self::Branch(branch) if most > 0 => {
                let (left, right) = branch.halves();
                let left = left.stored(most);
                left + right.stored(most - left.min(most))
            }
            _ => most.min(1),
        }
    }

    /// Copies bytes from `offset` on of this subtree of `level` to `out`; all of them lie in the subtree.
    pub(crate) fn read(&self, level: u8, offset: u64, out: &mut [u8]) -> Result<(), MissingPage> {
        match self {
            Self::Zero => out.fill(0),
            Self::Page(page) => {
                let start = offset as usize;
                out.copy_from_slice(&page.bytes()[start..start + out.len()]);
            }
            Self::Spliced(spliced) => spliced.read(offset as usize, out),
            Self::Missing(root) => return Err(MissingPage(**root)),
            Self::Branch(branch) => {
                let half = capacity(level - 1);
                let in_left = half.saturating_sub(offset).min(out.len() as u64);
                let (left, right) = out.split_at_mut(in_left as usize);
                if !left.is_empty() {
                    branch.left.read(level - 1, offset, left)?;
                }
                if !right.is_empty() {
                    branch
                        .right
                        .read(level - 1, offset.max(half) - half, right)?;
                }
            }
        }
        Ok(())
    }
}

impl<M: PageMemory> Drop for Branch<M> {
    fn drop(&mut self) {
        M::pause();
    }
}

impl<M: PageMemory> Branch<M> {
    /// Its two halves, for who goes through all of a tree.
    pub(crate) fn halves(&self) -> (&Link<M>, &Link<M>) {
        M::pause();
        (&self.left, &self.right)
    }

    /// The digest if it has been computed.
    pub(crate) fn known_digest(&self) -> Option<Digest> {
        self.digest.get().copied()
    }
}

impl<M: PageMemory> Spliced<M> {
    pub(crate) fn new(parts: Box<[Part<M>]>) -> Self {
        Self {
            parts,
            digest: Once::new(),
        }
    }

    /// Copies bytes from `offset` on.
    fn read(&self, offset: usize, out: &mut [u8]) {
        out.fill(0);
        let mut at = 0;
        for part in &self.parts {
            let (start, end) = (
                at.max(offset),
                (at + usize::from(part.len)).min(offset + out.len()),
            );
            if let (Some(bytes), true) = (part.bytes(), start < end) {
                out[start - offset..end - offset].copy_from_slice(&bytes[start - at..end - at]);
            }
            at += usize::from(part.len);
        }
    }
}

impl<M: PageMemory> Part<M> {
    fn bytes(&self) -> Option<&[u8]> {
        let (start, len) = (usize::from(self.start), usize::from(self.len));
        self.page
            .as_ref()
            .map(|page| &page.bytes()[start..start + len])
    }

    /// The part between two offsets from its beginning.
    pub(crate) fn range(&self, start: u16, end: u16) -> Self {
        Self {
            page: self.page.clone(),
            start: self.start + start,
            len: end - start,
        }
    }
}
