//! Counters.

use core::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows, and that one core alone adds to.
#[derive(Debug)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Zero.
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.store(self.get().wrapping_add(n), Ordering::Relaxed);
    }

    /// Adds `n`, which may be negative: of a number that also shrinks, only the sum over all cores means anything.
    pub fn change(&self, n: u64) {
        self.add(n);
    }

    /// How much it is.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Default for Counter {
    fn default() -> Self {
        Self::new()
    }
}
