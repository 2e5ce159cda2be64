//! Which cores of a torus have nothing to do, and where a thread goes that was woken.
//!
//! *Flow.* A core that finds no thread puts itself into the set, *looks into its queue once more*, and halts. Whoever queues a thread for a core looks
//! into the set *after that*, and interrupts the core if it was in: so either the core finds the thread, or it is interrupted.

use core::array;
#[cfg(not(loom))]
use core::sync::atomic::{AtomicU64, Ordering};
#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering};

/// Cores of a torus that idle, by index within the torus: at most 64 for each word.
#[derive(Debug)]
pub struct IdleSet<const WORDS: usize>([AtomicU64; WORDS]);

impl<const WORDS: usize> IdleSet<WORDS> {
    /// No core.
    pub fn new() -> Self {
        Self(array::from_fn(|_| AtomicU64::new(0)))
    }

    /// Whether `core` idles.
    pub fn contains(&self, core: usize) -> bool {
        self.0[core / 64].load(Ordering::SeqCst) >> (core % 64) & 1 != 0
    }

    /// A core that idles.
    pub fn any(&self) -> Option<usize> {
        let words = self.0.iter().enumerate();
        words
            .map(|(index, word)| (index, word.load(Ordering::SeqCst)))
            .find_map(|(index, word)| {
                (word != 0).then(|| index * 64 + word.trailing_zeros() as usize)
            })
    }

    /// How many cores idle.
    pub fn len(&self) -> usize {
        let count = |word: &AtomicU64| word.load(Ordering::SeqCst).count_ones() as usize;
        self.0.iter().map(count).sum()
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds `core`, which looks into its queue once more after this.
    pub fn insert(&self, core: usize) {
        self.0[core / 64].fetch_or(1 << (core % 64), Ordering::SeqCst);
    }

    /// Takes `core` out, for itself or to interrupt it; false when it was not in.
    pub fn remove(&self, core: usize) -> bool {
        self.contains(core) && {
            let bit = 1 << (core % 64);
            self.0[core / 64].fetch_and(!bit, Ordering::SeqCst) & bit != 0
        }
    }

    /// Takes out a core that idles, to be interrupted.
    pub fn take_any(&self) -> Option<usize> {
        self.any().filter(|&core| self.remove(core))
    }

    /// Where a thread is queued that was woken: on the core that has it loaded, as no other may run it; else where it ran last when that core
    /// idles, else on any that does, else where it ran last.
    pub fn place(&self, loaded_on: Option<usize>, last: usize) -> usize {
        if let Some(core) = loaded_on {
            return core;
        }
        if self.contains(last) {
            last
        } else {
            self.any().unwrap_or(last)
        }
    }
}

impl<const WORDS: usize> Default for IdleSet<WORDS> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, loom))]
mod model;
#[cfg(all(test, not(loom)))]
mod tests;
