//! What the scheduler keeps of each torus.

use braid_threads::idle::IdleSet;
use machine::MAX_CORES;
use tori::{Make, Torus};
use torus::TorusId;

/// The run queues of a torus: what its cores share.
pub struct RunQueues {
    /// Cores that halt with an empty queue.
    pub(crate) idle: IdleSet<{ MAX_CORES / 64 }>,
}

tori::part!(RunQueues, 3);

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
