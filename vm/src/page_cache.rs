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
//!
//! Roots are found by open addressing with linear probing. Programs choose contents and so roots; the key keeps them from
//! choosing which roots collide.

use alloc::vec::Vec;
use core::num::NonZeroU32;
use fallible::{TryVec, with_capacity};

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
    /// All slots are taken, and there is no memory for more.
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
    /// One more than the slot of a root, at or after the bucket of the root; a power of two of them, half of which are empty.
    buckets: Vec<Option<NonZeroU32>>,
    key: u64,
    slots: Vec<Place<F>>,
    /// The last slot that was emptied.
    free: Option<Slot>,
    len: usize,
    statistics: Statistics,
    /// Called between the pieces of what is long.
    pause: fn(),
}

#[derive(Debug)]
enum Place<F> {
    /// Empty; the next empty one.
    Free(Option<Slot>),
    Used(Digest, F),
}

/// Buckets of the smallest table that is not empty.
const SMALLEST: usize = 64;

/// Whether two digests are equal, in a few instructions: each fault on a cached page asks.
#[inline]
fn is_same(a: &Digest, b: &Digest) -> bool {
    let (a, _) = a.0.as_chunks();
    let (b, _) = b.0.as_chunks();
    let differing = |differing, (a, b): (&[u8; 8], &[u8; 8])| {
        differing | u64::from_ne_bytes(*a) ^ u64::from_ne_bytes(*b)
    };
    a.iter().zip(b).fold(0, differing) == 0
}

impl<F> PageCache<F> {
    /// An empty cache. `key` is a random number that programs don't know; `pause` is called between the pieces of what is long.
    pub const fn new(key: u64, pause: fn()) -> Self {
        Self {
            buckets: Vec::new(),
            // Odd, so that multiplication loses nothing of a root's word.
            key: key | 1,
            slots: Vec::new(),
            free: None,
            len: 0,
            statistics: Statistics {
                hits: 0,
                misses: 0,
                inserted: 0,
                removed: 0,
            },
            pause,
        }
    }

    /// The place and frame of a content.
    #[inline]
    pub fn get(&mut self, root: &Digest) -> Option<(Slot, &mut F)> {
        let Some((_, slot)) = self.find(root) else {
            self.statistics.misses += 1;
            return None;
        };
        self.statistics.hits += 1;
        match &mut self.slots[slot.0 as usize] {
            Place::Used(_, frame) => Some((slot, frame)),
            Place::Free(_) => None,
        }
    }

    /// Content and frame of a place.
    pub fn at(&self, slot: Slot) -> Option<(&Digest, &F)> {
        match self.slots.get(slot.0 as usize)? {
            Place::Used(root, frame) => Some((root, frame)),
            Place::Free(_) => None,
        }
    }

    /// Takes in a frame that holds the content with this root.
    ///
    /// # Errors
    /// [`Refused`], with the frame.
    pub fn insert(&mut self, root: Digest, frame: F) -> Result<Slot, Refused<F>> {
        if root == Digest::ZERO {
            return Err(Refused::Zero(frame));
        }
        if let Some((_, slot)) = self.find(&root) {
            return Err(Refused::Present(slot, frame));
        }
        if !self.has_room() {
            return Err(Refused::Full(frame));
        }
        let slot = match self.free {
            Some(slot) => {
                let place = &mut self.slots[slot.0 as usize];
                if let Place::Free(next) = *place {
                    self.free = next;
                }
                *place = Place::Used(root, frame);
                slot
            }
            None => {
                #[expect(clippy::disallowed_methods, reason = "there is room")]
                self.slots.push(Place::Used(root, frame));
                Slot(self.slots.len() as u32 - 1)
            }
        };
        self.link(&root, slot);
        self.len += 1;
        self.statistics.inserted += 1;
        Ok(slot)
    }

    /// Empties a place, and returns what was in it. Whoever removes sees to it that nobody maps the frame any more, or lets
    /// those who do keep their references: the content is then cached anew when it is next asked for. Never allocates: it is
    /// called when memory is short.
    pub fn remove(&mut self, slot: Slot) -> Option<(Digest, F)> {
        let (root, _) = self.at(slot)?;
        let (bucket, _) = self.find(root)?;
        self.unlink(bucket);
        let place = &mut self.slots[slot.0 as usize];
        let Place::Used(root, frame) = core::mem::replace(place, Place::Free(self.free)) else {
            return None;
        };
        self.free = Some(slot);
        self.len -= 1;
        self.statistics.removed += 1;
        Some((root, frame))
    }

    /// Places, empty ones too: their numbers are below this.
    pub const fn places(&self) -> u32 {
        self.slots.len() as u32
    }

    /// Contents in the cache.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is cached.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How often the cache was of use.
    pub const fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// Where the search for a root begins; there are buckets.
    fn bucket(&self, root: &Digest) -> usize {
        let [word, ..] = root.0.as_chunks().0 else {
            return 0;
        };
        let mixed = u64::from_le_bytes(*word).wrapping_mul(self.key);
        (mixed >> (64 - self.buckets.len().trailing_zeros())) as usize
    }

    /// Bucket and slot of a root.
    #[inline]
    fn find(&self, root: &Digest) -> Option<(usize, Slot)> {
        if self.buckets.is_empty() {
            return None;
        }
        let mut bucket = self.bucket(root);
        while let Some(number) = self.buckets[bucket] {
            let slot = Slot(number.get() - 1);
            if self.at(slot).is_some_and(|(other, _)| is_same(other, root)) {
                return Some((bucket, slot));
            }
            bucket = self.after(bucket);
        }
        None
    }

    const fn after(&self, bucket: usize) -> usize {
        (bucket + 1) & (self.buckets.len() - 1)
    }

    /// Enters a slot under its root, which is not there yet; half of the buckets are empty.
    fn link(&mut self, root: &Digest, slot: Slot) {
        let mut bucket = self.bucket(root);
        while self.buckets[bucket].is_some() {
            bucket = self.after(bucket);
        }
        self.buckets[bucket] = NonZeroU32::new(slot.0 + 1);
    }

    /// Empties a bucket, and moves up whoever had to make way for it.
    fn unlink(&mut self, bucket: usize) {
        let mut hole = bucket;
        let mut at = self.after(bucket);
        while let Some(number) = self.buckets[at] {
            let home = self
                .at(Slot(number.get() - 1))
                .map_or(at, |(root, _)| self.bucket(root));
            // From its home to where it is, does the way lead over the hole?
            let mask = self.buckets.len() - 1;
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                self.buckets[hole] = Some(number);
                hole = at;
            }
            at = self.after(at);
        }
        self.buckets[hole] = None;
    }

    /// Makes room for one more; false when there is no memory for it.
    fn has_room(&mut self) -> bool {
        if self.free.is_none()
            && (self.slots.len() >= u32::MAX as usize - 1 || self.slots.try_reserve(1).is_err())
        {
            return false;
        }
        if self.buckets.len() / 2 > self.len {
            return true;
        }
        let wanted = (self.buckets.len() * 2).max(SMALLEST);
        let Ok(mut buckets) = with_capacity(wanted) else {
            return false;
        };
        while buckets.len() < wanted {
            if buckets.try_resize(buckets.len() + SMALLEST, None).is_err() {
                return false;
            }
            (self.pause)();
        }
        let old = core::mem::replace(&mut self.buckets, buckets);
        for (count, number) in old.into_iter().flatten().enumerate() {
            if count % SMALLEST == SMALLEST - 1 {
                (self.pause)();
            }
            let slot = Slot(number.get() - 1);
            if let Some(root) = self.at(slot).map(|(root, _)| *root) {
                self.link(&root, slot);
            }
        }
        true
    }
}
