//! A core's run queue: those who may run on it, by the shares that their nice values give them.

use super::thread::Thread;
use braid_threads::fair::{self, FairQueue};
use sync::Lock;

/// A thread's place in a run queue; guarded by that queue's lock.
pub struct Link<O>(Lock<fair::Link<Thread<O>>>);

impl<O> Link<O> {
    /// Of a thread that is in no queue.
    pub const fn new() -> Self {
        Self(Lock::new(fair::Link::new()))
    }
}

impl<O> fair::Node for Thread<O> {
    #[inline]
    fn with_link<R>(&self, f: impl FnOnce(&mut fair::Link<Self>) -> R) -> R {
        f(&mut self.link.0.lock())
    }
}

/// Runnable threads of a core.
pub type Queue<O> = FairQueue<Thread<O>>;
