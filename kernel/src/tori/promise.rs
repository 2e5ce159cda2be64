//! Promises of heap memory: what cannot be allocated fallibly is promised first.
//!
//! A promise keeps frames in the pool that only the kernel's heap gets, beside its reserve, until whoever has it is done.

use super::{RESERVE, Torus};
use core::sync::atomic::Ordering;
use vm::addr::PAGE_SIZE;

/// Frames that are promised to the heap.
#[must_use = "a promise that is dropped promises nothing"]
pub struct Promise {
    torus: &'static Torus,
    frames: u64,
}

impl Torus {
    /// Promises the heap so many bytes; `None` when they are not there.
    pub fn promise(&'static self, bytes: u64) -> Option<Promise> {
        // The heap grows by more than it is asked for, and takes tables for it.
        let frames =
            (bytes / PAGE_SIZE as u64).checked_add(2 + bytes / (256 * PAGE_SIZE as u64))?;
        let pool = self.pool.lock();
        let promised = self.promised.load(Ordering::Relaxed);
        let spoken_for = RESERVE.min(self.total() / 16) + promised;
        if pool.available() < spoken_for.checked_add(frames)? {
            return None;
        }
        self.promised.store(promised + frames, Ordering::Relaxed);
        Some(Promise {
            torus: self,
            frames,
        })
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        let _pool = self.torus.pool.lock();
        let promised = self.torus.promised.load(Ordering::Relaxed);
        self.torus
            .promised
            .store(promised - self.frames, Ordering::Relaxed);
    }
}
