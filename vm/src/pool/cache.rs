//! The cache of free frames that each core has in front of its torus's pool.
//!
//! Its core takes from it and gives to it without a lock. Each slot changes hands by one atomic
//! operation, so that under pressure any other core may empty it: nothing is lost or given twice
//! whatever the interleaving, and where the core thinks its top is, is only a hint.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use super::{FramePool, PoolError};
use crate::addr::{Frame, FrameRange};
use crate::frames::{FrameError, FrameTable, Use};

const SLOTS: usize = 64;
/// Frames that move between cache and pool at once.
const BATCH: usize = SLOTS / 2;
/// An empty slot; frame numbers are stored plus one.
const EMPTY: u64 = 0;

/// Up to 64 free frames of one core.
#[repr(align(64))]
pub struct CoreCache {
    top: AtomicUsize,
    /// It takes frames of the pool from here on, while there are any: so a core gets those that it has used itself.
    first: AtomicU64,
    slots: [AtomicU64; SLOTS],
}

impl CoreCache {
    /// An empty cache.
    pub const fn new() -> Self {
        Self {
            top: AtomicUsize::new(0),
            first: AtomicU64::new(0),
            slots: [const { AtomicU64::new(EMPTY) }; SLOTS],
        }
    }

    /// The core is number `core` of `cores` that have a pool over `range`: its part of that is the one to begin with.
    pub fn settle(&self, range: FrameRange, core: usize, cores: usize) {
        let part = range.len() / cores as u64 * core as u64;
        self.first.store(range.start.0 + part, Relaxed);
    }

    /// Takes a frame, claimed for `used` with one reference. None when the cache is empty: then
    /// [`CoreCache::refill`], under the pool's lock.
    #[inline]
    pub fn allocate(&self, frames: &FrameTable<'_>, used: Use) -> Option<Frame> {
        let frame = self.pop()?;
        frames.claim(frame, used);
        Some(frame)
    }

    /// Gives a frame back. False when the cache is full: the frame is retired, and goes with others to
    /// the pool by [`CoreCache::spill`], under the pool's lock.
    ///
    /// # Errors
    /// [`FrameError`] for a frame that is free already or not the torus's.
    #[inline]
    pub fn free(&self, frames: &FrameTable<'_>, frame: Frame) -> Result<bool, FrameError> {
        frames.retire(frame)?;
        Ok(self.push(frame))
    }

    /// Takes a batch from the pool, of `most` frames at the most, and answers one of them, claimed for `used` with one reference: that is
    /// the caller's, whatever other cores take of the rest. None when none came.
    pub fn refill(
        &self,
        pool: &mut FramePool<'_>,
        most: u64,
        frames: &FrameTable<'_>,
        used: Use,
    ) -> Option<Frame> {
        let mut batch = [Frame(0); BATCH];
        let most = most.min(BATCH as u64) as usize;
        let count = pool.allocate_batch(Frame(self.first.load(Relaxed)), &mut batch[..most]);
        let (own, rest) = batch[..count].split_last()?;
        for frame in rest {
            if !self.push(*frame) && pool.free(*frame).is_err() {
                break;
            }
        }
        frames.claim(*own, used);
        Some(*own)
    }

    /// Gives half of the frames to the pool, and `extra`, which found no place here.
    ///
    /// # Errors
    /// [`PoolError`] when a frame was not used by the pool's own count.
    pub fn spill(&self, pool: &mut FramePool<'_>, extra: Frame) -> Result<(), PoolError> {
        pool.free(extra)?;
        for _ in 0..BATCH {
            let Some(frame) = self.pop() else { break };
            pool.free(frame)?;
        }
        Ok(())
    }

    /// Gives everything to the pool: the torus is short of frames. For any core to call.
    ///
    /// # Errors
    /// As [`CoreCache::spill`].
    pub fn drain(&self, pool: &mut FramePool<'_>) -> Result<u64, PoolError> {
        let mut count = 0;
        for slot in &self.slots {
            if let Some(frame) = decode(slot.swap(EMPTY, Relaxed)) {
                pool.free(frame)?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Frames in the cache; exact while its core does not use it.
    pub fn available(&self) -> u64 {
        self.slots
            .iter()
            .filter(|slot| slot.load(Relaxed) != EMPTY)
            .count() as u64
    }

    #[inline]
    fn pop(&self) -> Option<Frame> {
        let mut top = self.top.load(Relaxed).min(SLOTS);
        while top > 0 {
            top -= 1;
            if let Some(frame) = decode(self.slots[top].swap(EMPTY, Relaxed)) {
                self.top.store(top, Relaxed);
                return Some(frame);
            }
        }
        self.top.store(0, Relaxed);
        None
    }

    #[inline]
    fn push(&self, frame: Frame) -> bool {
        for at in self.top.load(Relaxed)..SLOTS {
            let slot = &self.slots[at];
            if slot
                .compare_exchange(EMPTY, frame.0 + 1, Relaxed, Relaxed)
                .is_ok()
            {
                self.top.store(at + 1, Relaxed);
                return true;
            }
        }
        false
    }
}

impl Default for CoreCache {
    fn default() -> Self {
        Self::new()
    }
}

const fn decode(slot: u64) -> Option<Frame> {
    match slot {
        EMPTY => None,
        number => Some(Frame(number - 1)),
    }
}
