//! Mappings, and the sorted list of them.

use alloc::vec::Vec;

use bitflags::bitflags;

use super::SpaceError;
use crate::addr::{Page, PageRange};
use crate::frames::Owner;
use crate::table::Rights;

/// A reference to a memory object: what a mapping of a file or of shared memory is backed by. The
/// kernel's object knows its pages; here it is cloned, compared and dropped.
pub trait Object: Clone {
    /// The object's name in the reverse map; equal for clones of one object only.
    fn owner(&self) -> Owner;
}

/// Where the content of an untouched page comes from.
#[derive(Clone, Debug)]
pub enum Backing<O> {
    /// Zeros; private. (Shared anonymous memory is an object.)
    Zero,
    /// Pages of an object from `offset` (in pages) on.
    Object {
        /// The object.
        object: O,
        /// Its page at the start of the mapping.
        offset: u64,
        /// Whether writes go to the object, and not to a private copy of the page.
        shared: bool,
    },
}

bitflags! {
    /// Traits of a mapping.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Flags: u8 {
        /// Grows downwards when touched below (`MAP_GROWSDOWN`, stacks).
        const GROWS_DOWN = 1;
        /// The program's heap (brk(2)).
        const HEAP = 2;
        /// Is made of 2 MiB pages where it can be (`MADV_HUGEPAGE`).
        const HUGE = 4;
    }
}

/// A range of pages with one set of rights and one backing.
#[derive(Clone, Debug)]
pub struct Mapping<O> {
    /// The pages.
    pub range: PageRange,
    /// What the program may do.
    pub rights: Rights,
    /// What mprotect(2) may allow at most (a file opened for reading is not written through a shared mapping).
    pub maximum: Rights,
    /// Traits.
    pub flags: Flags,
    /// The reverse map's index of the first page's private copy: its page number when first mapped.
    pub origin: u64,
    /// Where content comes from.
    pub backing: Backing<O>,
}

impl<O: Object> Mapping<O> {
    /// Whether writes stay in this address space.
    #[inline]
    pub const fn is_private(&self) -> bool {
        !matches!(self.backing, Backing::Object { shared: true, .. })
    }

    /// The reverse map's index of a page's private copy.
    #[inline]
    pub fn index(&self, page: Page) -> u64 {
        self.origin + (page - self.range.start)
    }

    /// The part of the mapping from `page` on.
    fn from(&self, page: Page) -> Self {
        let skipped = page - self.range.start;
        let mut part = self.clone();
        part.range.start = page;
        part.origin += skipped;
        if let Backing::Object { offset, .. } = &mut part.backing {
            *offset += skipped;
        }
        part
    }

    /// Whether `next`, which begins where this ends, could be one mapping with it.
    fn joins(&self, next: &Self) -> bool {
        self.range.end == next.range.start
            && self.rights == next.rights
            && self.maximum == next.maximum
            && self.flags == next.flags
            && !self.flags.contains(Flags::GROWS_DOWN)
            && self.origin + self.range.len() == next.origin
            && match (&self.backing, &next.backing) {
                (Backing::Zero, Backing::Zero) => true,
                (
                    Backing::Object {
                        object: a,
                        offset: at,
                        shared: s,
                    },
                    Backing::Object {
                        object: b,
                        offset: bt,
                        shared: t,
                    },
                ) => s == t && a.owner() == b.owner() && at + self.range.len() == *bt,
                _ => false,
            }
    }
}

/// Mappings in ascending order, without overlap: a vector, as programs have tens of them.
#[derive(Debug)]
pub(super) struct MappingList<O> {
    items: Vec<Mapping<O>>,
}

impl<O: Object> MappingList<O> {
    pub(super) const fn new() -> Self {
        Self { items: Vec::new() }
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[Mapping<O>] {
        &self.items
    }

    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut Mapping<O>> {
        self.items.get_mut(at)
    }

    /// Index of the first mapping that ends above `page`.
    #[inline]
    pub(super) fn position(&self, page: Page) -> usize {
        self.items
            .partition_point(|mapping| mapping.range.end <= page)
    }

    /// The mapping that holds `page`.
    #[inline]
    pub(super) fn find(&self, page: Page) -> Option<&Mapping<O>> {
        self.items
            .get(self.position(page))
            .filter(|mapping| mapping.range.start <= page)
    }

    /// Whether a mapping touches the range.
    pub(super) fn overlaps(&self, range: PageRange) -> bool {
        self.items
            .get(self.position(range.start))
            .is_some_and(|m| m.range.start < range.end)
    }

    /// The pages around `page`, which is not mapped, that are not mapped either.
    pub(super) fn hull(&self, page: Page) -> PageRange {
        let at = self.position(page);
        let start = at
            .checked_sub(1)
            .map_or(Page(0), |below| self.items[below].range.end);
        PageRange::new(
            start,
            self.items.get(at).map_or(Page(1 << 35), |m| m.range.start),
        )
    }

    /// Whether all of the range is mapped.
    pub(super) fn covers(&self, range: PageRange) -> bool {
        let mut page = range.start;
        for mapping in &self.items[self.position(range.start)..] {
            if page >= range.end || mapping.range.start > page {
                break;
            }
            page = mapping.range.end;
        }
        page >= range.end
    }

    /// Makes room for `more` mappings, so that what follows cannot fail.
    pub(super) fn reserve(&mut self, more: usize) -> Result<(), SpaceError> {
        if self.items.len() + more > super::MAX_MAPPINGS {
            return Err(SpaceError::NoMemory);
        }
        self.items
            .try_reserve(more)
            .map_err(|_| SpaceError::NoMemory)
    }

    /// Inserts a mapping where there is none, joined with its neighbours where possible.
    pub(super) fn insert(&mut self, mapping: Mapping<O>) {
        let at = self.position(mapping.range.start);
        if let Some(next) = self.items.get_mut(at)
            && mapping.joins(next)
        {
            *next = Mapping {
                range: PageRange::new(mapping.range.start, next.range.end),
                ..mapping
            };
        } else if let Some(below) = at.checked_sub(1)
            && self.items[below].joins(&mapping)
        {
            self.items[below].range.end = mapping.range.end;
            return;
        } else {
            self.items.insert(at, mapping);
        }
        self.join(at);
    }

    /// Joins the mapping at `at` with the one below it, if they fit.
    fn join(&mut self, at: usize) {
        if at > 0 && at < self.items.len() && self.items[at - 1].joins(&self.items[at]) {
            self.items[at - 1].range.end = self.items[at].range.end;
            self.items.remove(at);
        }
    }

    /// Joins what fits in and around the mappings that touch the range.
    pub(super) fn join_around(&mut self, range: PageRange) {
        let first = self.position(range.start);
        let mut at = (self.position(range.end) + 1).min(self.items.len());
        while at > first {
            at -= 1;
            self.join(at);
        }
    }

    /// Splits the mapping that reaches over `page`; index of the first mapping from `page` on.
    pub(super) fn split(&mut self, page: Page) -> usize {
        let at = self.position(page);
        match self.items.get_mut(at) {
            Some(mapping) if mapping.range.start < page => {
                let upper = mapping.from(page);
                mapping.range.end = page;
                self.items.insert(at + 1, upper);
                at + 1
            }
            _ => at,
        }
    }

    /// Splits at both ends; indices of the mappings in the range.
    pub(super) fn carve(&mut self, range: PageRange) -> core::ops::Range<usize> {
        let first = self.split(range.start);
        first..self.split(range.end)
    }

    /// Takes the mappings of the range out.
    pub(super) fn remove(&mut self, range: PageRange) {
        // The common case, one whole mapping or the end of one, needs no split.
        let at = self.position(range.start);
        if let Some(mapping) = self.items.get_mut(at) {
            if mapping.range == range {
                self.items.remove(at);
                return;
            }
            if mapping.range.start == range.start && range.end < mapping.range.end {
                *mapping = mapping.from(range.end);
                return;
            }
        }
        let carved = self.carve(range);
        self.items.drain(carved);
    }

    /// A copy for a fork.
    pub(super) fn duplicate(&self) -> Result<Self, SpaceError> {
        let mut items = Vec::new();
        items
            .try_reserve_exact(self.items.len() + 2)
            .map_err(|_| SpaceError::NoMemory)?;
        items.extend(self.items.iter().cloned());
        Ok(Self { items })
    }

    pub(super) fn clear(&mut self) {
        self.items.clear();
    }
}
