//! A core as the scheduler sees it.

use super::account::Account;
use super::lock::Lock;
use super::own::OwnCell;
use super::queue::Queue;
use super::time::Nanos;
use super::timer::Timers;
use super::wait::Waiter;
use crate::process::Thread;
use crate::process::counters::{Counter, Counters};
use alloc::sync::Arc;
use chacha20::ChaCha20Rng;
use core::sync::atomic::{AtomicBool, Ordering};
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
    /// What it has counted.
    pub counters: Counters,
    /// Nanoseconds that it has run programs.
    pub busy: Counter,
    /// The waiter that the core works for, when it is not the current thread.
    pub(super) on_behalf: OwnCell<Option<Arc<dyn Waiter>>>,
    /// The user for whom that is, where it is a request of another torus.
    pub(super) served_user: OwnCell<u32>,
    /// An allocation has failed for want of frames since the call began.
    pub short_of_memory: OwnCell<bool>,
    /// Frames that it has reserved for the heap, and whether it insists (`tori::reserve`).
    pub reserved: OwnCell<u64>,
    /// Frames that it has set aside for its next reservations.
    pub credit: OwnCell<u64>,
    /// What it sends to other tori is to go together.
    pub gathers: OwnCell<bool>,
    /// It delivers what has come from other tori.
    pub delivers: OwnCell<bool>,
    /// Locks that it holds and interrupts take: it handles none.
    pub closed: OwnCell<u32>,
    /// The timer's interrupt has come meanwhile.
    pub deferred: OwnCell<bool>,
    /// The console has interrupted, and what has arrived there has not been taken in.
    pub input: OwnCell<bool>,
    /// Rounds of long loops since it let interrupts in.
    pub(super) rounds: OwnCell<u32>,
    /// The deposit that was drained last, of a process that has come from another torus.
    pub drained: OwnCell<Option<DepositId>>,
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
    pub const fn new() -> Self {
        Self {
            current: OwnCell::new(None),
            loaded: OwnCell::new(None),
            slice_end: OwnCell::new(Nanos::ZERO),
            account: Account::new(),
            armed: OwnCell::new(None),
            counters: Counters::new(),
            busy: Counter::new(),
            on_behalf: OwnCell::new(None),
            served_user: OwnCell::new(0),
            short_of_memory: OwnCell::new(false),
            reserved: OwnCell::new(0),
            credit: OwnCell::new(0),
            gathers: OwnCell::new(false),
            delivers: OwnCell::new(false),
            closed: OwnCell::new(0),
            deferred: OwnCell::new(false),
            input: OwnCell::new(false),
            rounds: OwnCell::new(0),
            drained: OwnCell::new(None),
            random: OwnCell::new(None),
            queue: Lock::new(Queue::new()),
            timers: Lock::new(Timers::new()),
            resched: AtomicBool::new(false),
        }
    }
}

/// Takes a thread out of a queue that another core may run: one that is loaded on no core. Of others there is one for each core at most.
pub(super) fn steal(queue: &mut Queue) -> Option<Arc<Thread>> {
    let cores = crate::arch::cpu::this().torus().cores();
    queue.steal(cores, |thread| thread.loaded_on().is_none())
}
