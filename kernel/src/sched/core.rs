//! A core as the scheduler sees it.

use super::account::Account;
use super::queue::Queue;
use super::time::Nanos;
use super::timer::Timers;
use crate::process::Thread;
use alloc::sync::Arc;
use chacha20::ChaCha20Rng;
use core::sync::atomic::{AtomicBool, Ordering};
use machine::cpu::Part;
use sync::Counter;
use sync::Lock;
use sync::OwnCell;
use sync::Waiter;
use torus::DepositId;

/// The scheduler's state of one core.
pub struct Core {
    // Touched by this core alone.
    /// The thread that runs, or whose trap is being handled.
    pub(super) current: OwnCell<Option<Arc<Thread>>>,
    /// The thread whose FPU state, segment bases and address space are in the registers. It stays loaded while
    /// the core idles or serves a trap, and can run on no other core meanwhile.
    pub(super) loaded: OwnCell<Option<Arc<Thread>>>,
    /// When the current thread has to let others run.
    pub(super) slice_end: OwnCell<Nanos>,
    /// The processor time of the current thread.
    pub(super) account: Account,
    /// What the core's one-shot timer is set to.
    pub(super) armed: OwnCell<Option<Nanos>>,
    /// Nanoseconds that it has run programs.
    pub busy: Counter,
    /// The waiter that the core works for, when it is not the current thread.
    pub(super) on_behalf: OwnCell<Option<Arc<dyn Waiter>>>,
    /// The user for whom that is, where it is a request of another torus.
    pub(super) served_user: OwnCell<u32>,
    /// The deposit that was drained last, of a process that has come from another torus.
    pub drained: OwnCell<Option<DepositId>>,
    /// The console has interrupted, and what has arrived there has not been taken in.
    pub(super) input: OwnCell<bool>,
    /// Random numbers for the programs on this core.
    pub(super) random: OwnCell<Option<ChaCha20Rng>>,

    // Touched by any core of the torus.
    pub(super) queue: Lock<Queue>,
    pub(super) timers: Lock<Timers>,
    /// The current thread's slice is over, or another core asks this one to look at its queue.
    pub(super) resched: AtomicBool,
}

impl Core {
    /// Threads in its queue.
    pub fn waiting(&self) -> usize {
        self.queue.lock().len()
    }

    /// Takes a thread out of its queue that is loaded on no core.
    pub fn steal(&self) -> Option<Arc<Thread>> {
        steal(&mut self.queue.lock())
    }

    /// Queues a thread that has just stopped running on this core, or woken here.
    pub(super) fn push(&self, thread: Arc<Thread>) {
        let time = thread.virtual_time.load(Ordering::Relaxed);
        self.queue.lock().push(thread, time);
    }

    /// A core that has nothing to do.
    const fn new() -> Self {
        Self {
            current: OwnCell::new(None),
            loaded: OwnCell::new(None),
            slice_end: OwnCell::new(Nanos::ZERO),
            account: Account::new(),
            armed: OwnCell::new(None),
            busy: Counter::new(),
            on_behalf: OwnCell::new(None),
            served_user: OwnCell::new(0),
            drained: OwnCell::new(None),
            input: OwnCell::new(false),
            random: OwnCell::new(None),
            queue: Lock::new(Queue::new()),
            timers: Lock::new(Timers::new()),
            resched: AtomicBool::new(false),
        }
    }
}

// SAFETY: K3, the only part with this slot.
unsafe impl Part for Core {
    const SLOT: usize = 1;
}

impl Default for Core {
    fn default() -> Self {
        Self::new()
    }
}

/// Takes a thread out of a queue that another core may run: one that is loaded on no core. Of others there is one for each core at most.
pub(super) fn steal(queue: &mut Queue) -> Option<Arc<Thread>> {
    let cores = tori::here().cores();
    queue.steal(cores, |thread| thread.loaded_on().is_none())
}
