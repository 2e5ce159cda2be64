//! The frame pool of a torus, and how many of its frames are free, which anybody reads without the lock: a lock is never taken by
//! another torus.

use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicU64, Ordering};
use spin::mutex::SpinMutexGuard;
use sync::{Lock, Relax};
use vm::pool::FramePool;

/// The pool.
pub(super) struct Pool {
    frames: Lock<FramePool<'static>>,
    /// As many as were free when the lock was let go last.
    free: AtomicU64,
}

/// The pool, locked.
pub(super) struct Locked<'a> {
    frames: SpinMutexGuard<'a, FramePool<'static>, Relax>,
    free: &'a AtomicU64,
}

impl Pool {
    pub(super) fn new(frames: FramePool<'static>) -> Self {
        Self {
            free: AtomicU64::new(frames.available()),
            frames: Lock::new(frames),
        }
    }

    pub(super) fn lock(&self) -> Locked<'_> {
        Locked {
            frames: self.frames.lock(),
            free: &self.free,
        }
    }

    /// Frames that are free.
    pub(super) fn free(&self) -> u64 {
        self.free.load(Ordering::Relaxed)
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.free.store(self.frames.available(), Ordering::Relaxed);
    }
}

impl Deref for Locked<'_> {
    type Target = FramePool<'static>;

    fn deref(&self) -> &FramePool<'static> {
        &self.frames
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut FramePool<'static> {
        &mut self.frames
    }
}
