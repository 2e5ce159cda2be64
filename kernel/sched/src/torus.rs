//! What the scheduler keeps of each torus.

use core::sync::atomic::{AtomicU64, Ordering};
use tori::{Make, Part, Torus};
use torus::TorusId;

/// The run queues of a torus: what its cores share.
pub struct RunQueues {
    /// Cores that halt with an empty queue.
    pub(crate) idle: IdleSet,
}

// SAFETY: K13, the only part with this slot.
unsafe impl Part for RunQueues {
    const SLOT: usize = 3;
}

impl Make for RunQueues {
    /// Nothing runs, no core idles.
    fn new(_: TorusId, _: usize) -> Self {
        Self {
            idle: IdleSet::new(),
        }
    }
}

impl RunQueues {
    /// How many cores halt with an empty queue.
    pub fn idle_cores(&self) -> usize {
        self.idle.len()
    }
}

/// The run queues of a torus.
#[inline]
pub fn of(torus: &Torus) -> &'static RunQueues {
    torus.part()
}

/// The cores of a torus that idle, by index within the torus.
pub(crate) struct IdleSet([AtomicU64; machine::MAX_CORES / 64]);

impl IdleSet {
    /// No core.
    pub(crate) const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; machine::MAX_CORES / 64])
    }

    /// Whether `core` idles.
    pub(crate) fn contains(&self, core: usize) -> bool {
        self.0[core / 64].load(Ordering::SeqCst) >> (core % 64) & 1 != 0
    }

    /// A core that idles.
    pub(crate) fn any(&self) -> Option<usize> {
        let words = self.0.iter().enumerate();
        words
            .map(|(index, word)| (index, word.load(Ordering::SeqCst)))
            .find_map(|(index, word)| {
                (word != 0).then(|| index * 64 + word.trailing_zeros() as usize)
            })
    }

    /// How many cores idle.
    pub(crate) fn len(&self) -> usize {
        let count = |word: &AtomicU64| word.load(Ordering::SeqCst).count_ones() as usize;
        self.0.iter().map(count).sum()
    }

    /// Adds `core`.
    pub(crate) fn insert(&self, core: usize) {
        self.0[core / 64].fetch_or(1 << (core % 64), Ordering::SeqCst);
    }

    /// Takes `core` out; false when it was not in.
    pub(crate) fn remove(&self, core: usize) -> bool {
        let bit = 1 << (core % 64);
        self.0[core / 64].fetch_and(!bit, Ordering::SeqCst) & bit != 0
    }
}
