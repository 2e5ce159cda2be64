//! Mappings.

use bitflags::bitflags;
use core::ops::Range;

use crate::addr::{Page, PageRange};
use crate::frames::Owner;
use crate::table::Rights;

/// What the reverse map finds pages by: an object, or that they are private copies, of the space's own lineage.
pub(super) type Of = Option<Owner>;

/// A reference to a memory object: what a mapping of a file or of shared memory is backed by. The
/// kernel's object knows its pages; here it is cloned, compared and dropped.
pub trait Object: Clone {
    /// The object's name in the reverse map; equal for clones of one object only.
    fn owner(&self) -> Owner;

    /// Whether its frames are the page cache's, so that other objects may have them too.
    fn is_content(&self) -> bool {
        false
    }
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
        /// A fork does not get it (`MADV_DONTFORK`).
        const DONT_FORK = 8;
        /// A fork gets it untouched (`MADV_WIPEONFORK`). Private anonymous memory only.
        const WIPE_ON_FORK = 16;
        /// Its frames are not evicted (mlock(2)). A fork does not inherit it.
        const LOCKED = 32;
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

    /// Whether `RLIMIT_DATA` counts it.
    pub(super) fn is_data(&self) -> bool {
        self.is_private()
            && self.rights.contains(Rights::WRITE)
            && !self.flags.contains(Flags::GROWS_DOWN)
    }

    /// The reverse map's index of a page's private copy.
    #[inline]
    pub fn index(&self, page: Page) -> u64 {
        self.origin + (page - self.range.start)
    }

    /// The reverse map's index of the first page that it shows of an object, or of the space's private copies.
    #[inline]
    pub(super) fn first(&self, of: Of) -> Option<u64> {
        match (&self.backing, of) {
            (_, None) => self.is_private().then_some(self.origin),
            (Backing::Object { object, offset, .. }, of) => {
                (Some(object.owner()) == of).then_some(*offset)
            }
            (Backing::Zero, _) => None,
        }
    }

    /// Whether it shows some of these pages.
    #[inline]
    pub(super) fn shows(&self, of: Of, pages: &Range<u64>) -> bool {
        self.first(of).is_some_and(|first| {
            first < pages.end && pages.start < first.saturating_add(self.range.len())
        })
    }

    /// The part of the mapping from `page` on.
    pub(super) fn from(&self, page: Page) -> Self {
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
    pub(super) fn joins(&self, next: &Self) -> bool {
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
