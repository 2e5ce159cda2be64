//! What is known about each frame of a torus: how many references it has, what it is used for, and
//! who to ask for the entries that map it (the reverse map).
//!
//! A frame's word counts *references*: one for each page-table entry that maps it, and one for a
//! cache or object that holds it. Anonymous pages keep the page number at which they were first
//! written as their *index*: a mapping that moves keeps its pages' indices, and a fork shares its
//! parent's lineage, so that the entries of a frame are found from (owner, index) alone and neither
//! a fault nor a fork has a list to maintain.

use core::fmt;
#[cfg(not(loom))]
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
#[cfg(loom)]
use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::addr::{Frame, FrameRange};

#[cfg(all(test, loom))]
mod model;

/// What a frame is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Use {
    /// In the pool or in a core's cache of it.
    Free = 0,
    /// Not memory, or not the pool's: never allocated, never freed.
    Reserved = 1,
    /// Allocated, and not told what for: kernel stacks, buffers, a frame on its way to a page.
    Kernel = 2,
    /// A page table.
    Table = 3,
    /// A page of private memory: owner is a lineage of address spaces, index as the module says.
    Private = 4,
    /// A page of an object: owner is the object, index the page of the object; or of the page cache ([`Owner::CONTENT`]).
    Cached = 5,
}

impl Use {
    const fn of(state: u32) -> Self {
        match state >> USE_SHIFT {
            0 => Self::Free,
            1 => Self::Reserved,
            3 => Self::Table,
            4 => Self::Private,
            5 => Self::Cached,
            _ => Self::Kernel,
        }
    }
}

const USE_SHIFT: u32 = 28;
const DIRTY: u32 = 1 << 27;
const COUNT: u32 = DIRTY - 1;

/// The owner of a frame, which knows the entries that map it: an address-space lineage or an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner(pub u32);

impl Owner {
    /// The page cache: the frame holds immutable content that any number of objects have, and its index is the slot in
    /// the cache. No lineage and no other object has this name.
    pub const CONTENT: Self = Self(u32::MAX);
}

/// Which pages of which objects have the content of a cached frame, as far as the page cache knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharers {
    /// None that is mapped.
    Nobody,
    /// One page of one object.
    One(Owner, u64),
    /// Several: whoever looks for entries looks at all mappings of immutable objects.
    Many,
}

impl Sharers {
    /// One more page of an object has the content.
    #[must_use]
    pub fn and(self, owner: Owner, index: u64) -> Self {
        match self {
            Self::Nobody => Self::One(owner, index),
            Self::One(..) if self == Self::One(owner, index) => self,
            Self::One(..) | Self::Many => Self::Many,
        }
    }
}

/// The record of one frame: 16 bytes, all zero for a free frame.
#[derive(Default)]
pub struct FrameMeta {
    /// Use, dirty flag and count of references.
    state: AtomicU32,
    owner: AtomicU32,
    /// Page of the owner; in a [`FrameList`] the next frame.
    index: AtomicU64,
    #[cfg(feature = "checked")]
    checked: crate::checked::Meta,
}

/// A frame given back that was not in use, or that is not of this torus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The frame is free already.
    DoubleFree(Frame),
    /// The frame lies outside the table, or was never the pool's to give.
    Foreign(Frame),
    /// Cores may still remember an entry for the frame. Only a checked build knows.
    Owed(Frame),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DoubleFree(frame) => write!(f, "{frame:?} freed twice"),
            Self::Foreign(frame) => write!(f, "{frame:?} freed to a pool that does not own it"),
            Self::Owed(frame) => write!(f, "{frame:?} freed while a flush is owed that covers it"),
        }
    }
}

impl core::error::Error for FrameError {}

/// The records of a torus's frames, in storage that the caller supplies.
#[derive(Clone, Copy)]
pub struct FrameTable<'a> {
    first: Frame,
    metas: &'a [FrameMeta],
}

impl<'a> FrameTable<'a> {
    /// A table of `metas.len()` frames from `first` on; fresh records say [`Use::Free`].
    pub const fn new(first: Frame, metas: &'a [FrameMeta]) -> Self {
        Self { first, metas }
    }

    /// The frames it describes.
    pub const fn range(&self) -> FrameRange {
        FrameRange::at(self.first, self.metas.len() as u64)
    }

    #[inline]
    fn meta(&self, frame: Frame) -> Option<&'a FrameMeta> {
        self.metas
            .get(usize::try_from(frame.0.wrapping_sub(self.first.0)).ok()?)
    }

    /// What a checked build knows of a frame.
    #[cfg(feature = "checked")]
    pub(crate) fn checked(&self, frame: Frame) -> Option<&'a crate::checked::Meta> {
        Some(&self.meta(frame)?.checked)
    }

    /// Notes that a frame holds poison, or does not any more; answers whether it did.
    #[cfg(feature = "checked")]
    pub fn set_poisoned(&self, frame: Frame, poisoned: bool) -> bool {
        let meta = self.meta(frame);
        meta.is_some_and(|meta| meta.checked.set_poisoned(poisoned))
    }

    /// How many frames of a range are used for what, by [`Use`] as a number. Exact while nobody allocates.
    pub fn by_use(&self, range: FrameRange) -> [u64; 6] {
        let mut counts = [0; 6];
        for frame in range.intersect(self.range()).iter() {
            counts[self.usage(frame) as usize] += 1;
        }
        counts
    }

    /// Marks frames that the pool does not own.
    pub fn reserve(&self, range: FrameRange) {
        for frame in range.intersect(self.range()).iter() {
            self.set(frame, Use::Reserved, 0);
        }
    }

    #[inline]
    fn set(&self, frame: Frame, used: Use, count: u32) {
        if let Some(meta) = self.meta(frame) {
            meta.state
                .store((used as u32) << USE_SHIFT | count, Relaxed);
        }
    }

    /// A frame leaves the pool: one reference, no owner.
    #[inline]
    pub fn claim(&self, frame: Frame, used: Use) {
        self.set(frame, used, 1);
    }

    /// Gives an allocated frame its use and its place in the reverse map. Its references stay.
    #[inline]
    pub fn assign(&self, frame: Frame, used: Use, owner: Owner, index: u64) {
        if let Some(meta) = self.meta(frame) {
            let count = meta.state.load(Relaxed) & COUNT;
            meta.owner.store(owner.0, Relaxed);
            meta.index.store(index, Relaxed);
            meta.state
                .store((used as u32) << USE_SHIFT | count, Relaxed);
        }
    }

    /// As [`FrameTable::assign`], for a frame that others may be sharing or letting go meanwhile.
    pub fn adopt(&self, frame: Frame, used: Use, owner: Owner, index: u64) {
        if let Some(meta) = self.meta(frame) {
            meta.owner.store(owner.0, Relaxed);
            meta.index.store(index, Relaxed);
            let renamed = |state| Some((used as u32) << USE_SHIFT | state & (DIRTY | COUNT));
            // The closure never refuses.
            let _ = meta.state.fetch_update(Relaxed, Relaxed, renamed);
        }
    }

    /// A frame goes back to the pool.
    ///
    /// # Errors
    /// [`FrameError`] when it is free already or not the pool's; nothing has changed then.
    #[inline]
    pub fn retire(&self, frame: Frame) -> Result<(), FrameError> {
        let meta = self.meta(frame).ok_or(FrameError::Foreign(frame))?;
        #[cfg(feature = "checked")]
        if meta.checked.is_covered() {
            return Err(FrameError::Owed(frame));
        }
        match Use::of(meta.state.swap(0, Relaxed)) {
            Use::Free => Err(FrameError::DoubleFree(frame)),
            Use::Reserved => {
                self.set(frame, Use::Reserved, 0);
                Err(FrameError::Foreign(frame))
            }
            _ => Ok(()),
        }
    }

    /// One more reference.
    #[inline]
    pub fn share(&self, frame: Frame) {
        if let Some(meta) = self.meta(frame) {
            meta.state.fetch_add(1, Relaxed);
        }
    }

    /// One reference less; true when it was the last and the caller must free the frame.
    #[inline]
    #[must_use]
    pub fn release(&self, frame: Frame) -> bool {
        let Some(meta) = self.meta(frame) else {
            return false;
        };
        // The holder of the only reference holds every right to make another.
        let state = meta.state.load(Relaxed);
        if state & COUNT == 1 {
            meta.state.store(state - 1, Relaxed);
            return true;
        }
        meta.state.fetch_sub(1, Relaxed) & COUNT == 1
    }

    /// An entry less for the frame, through which it was written or not; true as for
    /// [`FrameTable::release`].
    #[inline]
    #[must_use]
    pub(crate) fn unmap(&self, frame: Frame, dirty: bool) -> bool {
        const CACHED: u32 = Use::Cached as u32;
        let Some(meta) = self.meta(frame) else {
            return false;
        };
        let state = meta.state.load(Relaxed);
        if dirty && state >> USE_SHIFT == CACHED {
            meta.state.fetch_or(DIRTY, Relaxed);
            return self.release(frame);
        }
        if state & COUNT == 1 {
            meta.state.store(state - 1, Relaxed);
            return true;
        }
        meta.state.fetch_sub(1, Relaxed) & COUNT == 1
    }

    /// References to the frame; 0 for a free, reserved or foreign one.
    #[inline]
    pub fn shares(&self, frame: Frame) -> u32 {
        self.meta(frame)
            .map_or(0, |meta| meta.state.load(Relaxed) & COUNT)
    }

    /// Whether the frame is private memory with one reference: its writer may take it as it is.
    #[inline]
    pub fn is_exclusive(&self, frame: Frame) -> bool {
        const SOLE: u32 = (Use::Private as u32) << USE_SHIFT | 1;
        self.meta(frame)
            .is_some_and(|meta| meta.state.load(Relaxed) & !DIRTY == SOLE)
    }

    /// What the frame is used for; [`Use::Reserved`] for a foreign one.
    #[inline]
    pub fn usage(&self, frame: Frame) -> Use {
        self.meta(frame)
            .map_or(Use::Reserved, |meta| Use::of(meta.state.load(Relaxed)))
    }

    /// Where the reverse map says to look: owner and page of the owner.
    pub fn owner(&self, frame: Frame) -> Option<(Owner, u64)> {
        let meta = self.meta(frame)?;
        Some((Owner(meta.owner.load(Relaxed)), meta.index.load(Relaxed)))
    }

    /// Notes that the frame differs from what it was made from.
    #[inline]
    pub fn mark_dirty(&self, frame: Frame) {
        if let Some(meta) = self.meta(frame) {
            meta.state.fetch_or(DIRTY, Relaxed);
        }
    }

    /// Reads and clears the note of [`FrameTable::mark_dirty`].
    pub fn take_dirty(&self, frame: Frame) -> bool {
        self.meta(frame)
            .is_some_and(|meta| meta.state.fetch_and(!DIRTY, Relaxed) & DIRTY != 0)
    }
}

/// Frames without references on their way to the pool, linked through their records: it holds any
/// number and needs no memory of its own.
#[derive(Debug)]
#[must_use = "frames that are not freed are lost"]
pub struct FrameList {
    head: Frame,
    last: Frame,
    len: u64,
}

impl FrameList {
    /// No frames.
    pub const fn new() -> Self {
        Self {
            head: Frame(0),
            last: Frame(0),
            len: 0,
        }
    }

    /// How many frames it holds.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether it holds none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a frame that nothing refers to.
    #[inline]
    pub fn push(&mut self, frames: &FrameTable<'_>, frame: Frame) {
        if let Some(meta) = frames.meta(frame) {
            meta.index.store(self.head.0, Relaxed);
            if self.len == 0 {
                self.last = frame;
            }
            self.head = frame;
            self.len += 1;
        }
    }

    /// Takes a frame out, to free it.
    #[inline]
    pub fn pop(&mut self, frames: &FrameTable<'_>) -> Option<Frame> {
        if self.len == 0 {
            return None;
        }
        let frame = self.head;
        self.head = Frame(frames.meta(frame)?.index.load(Relaxed));
        self.len -= 1;
        Some(frame)
    }

    /// Moves all frames of `other` over.
    pub fn append(&mut self, frames: &FrameTable<'_>, other: Self) {
        if self.len == 0 {
            *self = other;
        } else if let Some(meta) = frames.meta(other.last).filter(|_| other.len > 0) {
            meta.index.store(self.head.0, Relaxed);
            self.head = other.head;
            self.len += other.len;
        }
    }
}

impl Default for FrameList {
    fn default() -> Self {
        Self::new()
    }
}
