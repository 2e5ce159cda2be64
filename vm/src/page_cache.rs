//! The page cache of a torus: one frame for each page content that programs map.
//!
//! Roles: the cache knows which content is in which frame, by page root; whoever maps a frame counts that in the frame table;
//! the clock decides which frame goes. A place in the cache has a [`Slot`] number, by which the reverse map of a frame leads
//! back here, and which stays the same until the content is removed.
//!
//! Typical flow: a fault knows the root of its page (it was computed when the object's id was asked for): [`get`](PageCache::get)
//! neither hashes nor allocates. On a miss, the frame is filled outside the cache's lock and offered to
//! [`insert`](PageCache::insert); who comes second gets the frame back and uses the first. Under pressure the clock names a
//! slot, its entries are cleared, and [`remove`](PageCache::remove) gives back the frame.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::hash::Digest;

/// Number of a place in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u32);

/// Why a frame was not taken into the cache. The frame comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused<F> {
    /// The content is there already, in this slot.
    Present(Slot, F),
    /// The empty page is not cached: every torus has one frame of zeros.
    Zero(F),
    /// All slots are taken.
    Full(F),
}

/// How often the cache was of use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Content that was asked for and there.
    pub hits: u64,
    /// Content that was asked for and not there.
    pub misses: u64,
    /// Frames taken into the cache.
    pub inserted: u64,
    /// Frames removed from it.
    pub removed: u64,
}

/// What is held under the root of a page. `F` is what the owner keeps for it: a frame, or a page with its frame.
#[derive(Debug)]
pub struct PageCache<F> {
    by_root: BTreeMap<Digest, Slot>,
    slots: Vec<Option<(Digest, F)>>,
    /// Empty ones of `slots`.
    free: Vec<Slot>,
    statistics: Statistics,
}

impl<F> Default for PageCache<F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F> PageCache<F> {
    /// An empty cache.
    pub const fn new() -> Self {
        Self {
            by_root: BTreeMap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            statistics: Statistics {
                hits: 0,
                misses: 0,
                inserted: 0,
                removed: 0,
            },
        }
    }

    /// The place and frame of a content.
    pub fn get(&mut self, root: &Digest) -> Option<(Slot, &F)> {
        let Some(slot) = self.by_root.get(root).copied() else {
            self.statistics.misses += 1;
            return None;
        };
        self.statistics.hits += 1;
        self.at(slot).map(|(_, frame)| (slot, frame))
    }

    /// Content and frame of a place.
    pub fn at(&self, slot: Slot) -> Option<(&Digest, &F)> {
        let entry = self.slots.get(slot.0 as usize)?.as_ref();
        entry.map(|(root, frame)| (root, frame))
    }

    /// Takes in a frame that holds the content with this root.
    ///
    /// # Errors
    /// [`Refused`], with the frame.
    pub fn insert(&mut self, root: Digest, frame: F) -> Result<Slot, Refused<F>> {
        if root == Digest::ZERO {
            return Err(Refused::Zero(frame));
        }
        if let Some(slot) = self.by_root.get(&root) {
            return Err(Refused::Present(*slot, frame));
        }
        let Some(slot) = self.free_slot() else {
            return Err(Refused::Full(frame));
        };
        self.slots[slot.0 as usize] = Some((root, frame));
        self.by_root.insert(root, slot);
        self.statistics.inserted += 1;
        Ok(slot)
    }

    /// Empties a place, and returns what was in it. Whoever removes sees to it that nobody maps the frame any more, or lets
    /// those who do keep their references: the content is then cached anew when it is next asked for.
    pub fn remove(&mut self, slot: Slot) -> Option<(Digest, F)> {
        let entry = self.slots.get_mut(slot.0 as usize)?.take()?;
        self.by_root.remove(&entry.0);
        self.free.push(slot);
        self.statistics.removed += 1;
        Some(entry)
    }

    /// Contents in the cache.
    pub fn len(&self) -> usize {
        self.by_root.len()
    }

    /// Whether nothing is cached.
    pub fn is_empty(&self) -> bool {
        self.by_root.is_empty()
    }

    /// How often the cache was of use.
    pub const fn statistics(&self) -> Statistics {
        self.statistics
    }

    fn free_slot(&mut self) -> Option<Slot> {
        if let Some(slot) = self.free.pop() {
            return Some(slot);
        }
        let slot = Slot(u32::try_from(self.slots.len()).ok()?);
        self.slots.push(None);
        // So that `remove` never allocates: it is called when memory is short.
        self.free.reserve(self.slots.len());
        Some(slot)
    }
}
