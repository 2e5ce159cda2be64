//! A core as the scheduler sees it.

use crate::account::Account;
use crate::own::Current;
use crate::owner::Owner;
use crate::thread::Thread;
use crate::timer::Due;
use alloc::sync::Arc;
use braid_threads::fair::FairQueue;
use braid_threads::timers::Timers;
use braid_time::Nanos;
use core::cell::{Cell, UnsafeCell};
use core::ops::Deref;
use machine::cpu::{self, Cpu, Part};
use sync::{Counter, Local, Lock};

/// What a core alone touches, and what it shares.
pub(crate) struct Core<O: Owner> {
    pub(crate) current: Slot<O>,
    /// The thread whose FPU state, segment bases and address space are in the registers. It stays loaded while
    /// the core idles or serves a trap, and can run on no other core meanwhile.
    pub(crate) loaded: Cell<Option<Arc<Thread<O>>>>,
    /// When the current thread has to let others run.
    pub(crate) slice_end: Cell<Nanos>,
    /// The processor time of the current thread.
    pub(crate) account: Account,
    /// What the core's one-shot timer is set to.
    pub(crate) armed: Cell<Option<Nanos>>,
    shared: Shared<O>,
}

/// What any core of the torus touches.
pub struct Shared<O: Owner> {
    /// Nanoseconds that the core has run programs.
    pub busy: Counter,
    pub(crate) queue: Lock<FairQueue<Thread<O>>>,
    pub(crate) timers: Lock<Timers<Due<O>>>,
}

/// What the scheduler keeps of each core.
pub struct Kept<O: Owner>(Local<Core<O>>);

// SAFETY: K3, the only part with this slot, as one type alone owns threads.
unsafe impl<O: Owner> Part for Kept<O> {
    const SLOT: usize = 1;
}

impl<O: Owner> Default for Kept<O> {
    fn default() -> Self {
        Self(Local::new(Core::new()))
    }
}

/// The core that executes this.
#[inline]
pub(crate) fn this<O: Owner>() -> &'static Core<O> {
    // SAFETY: K20, the executing core's, which has joined its torus: nothing of this layer runs on it before (K3).
    unsafe { cpu::part_of_member::<Kept<O>>().0.get() }
}

/// What any core of its torus touches of a core.
#[inline]
pub fn shared<O: Owner>(cpu: &'static Cpu) -> &'static Shared<O> {
    // SAFETY: K20, no cell is touched.
    unsafe { &cpu.part::<Kept<O>>().0.get().shared }
}

/// The thread that runs on a core, or whose trap is being handled.
pub(crate) struct Slot<O: Owner>(UnsafeCell<Option<Arc<Thread<O>>>>);

impl<O: Owner> Slot<O> {
    /// The thread, if there is one.
    #[inline]
    pub(crate) fn get(&self) -> Option<&Current<O>> {
        // SAFETY: K20, whoever replaces it knows that no reference is in use.
        let thread = unsafe { (*self.0.get()).as_ref() };
        // SAFETY: K20, it runs on this core.
        thread.map(|thread| unsafe { Current::of(thread) })
    }

    /// Makes another thread, or none, current; answers the one that was.
    ///
    /// # Safety
    /// No reference to the thread that was current is used any more.
    pub(crate) unsafe fn replace(&self, thread: Option<Arc<Thread<O>>>) -> Option<Arc<Thread<O>>> {
        // SAFETY: K20, by the caller's promise.
        unsafe { core::mem::replace(&mut *self.0.get(), thread) }
    }
}

impl<O: Owner> Deref for Core<O> {
    type Target = Shared<O>;

    #[inline]
    fn deref(&self) -> &Shared<O> {
        &self.shared
    }
}

impl<O: Owner> Shared<O> {
    /// Threads in its queue.
    pub fn waiting(&self) -> usize {
        self.queue.lock().len()
    }

    /// Takes a thread out of its queue that is loaded on no core.
    pub fn take(&self) -> Option<Taken<O>> {
        steal(&mut self.queue.lock()).map(Taken)
    }

    /// Queues a thread that has just stopped running on this core, or woken here.
    pub(crate) fn push(&self, thread: Arc<Thread<O>>) {
        let time = thread.virtual_time();
        self.queue.lock().push(thread, time);
    }
}

impl<O: Owner> Core<O> {
    /// A core that has nothing to do.
    const fn new() -> Self {
        Self {
            current: Slot(UnsafeCell::new(None)),
            loaded: Cell::new(None),
            slice_end: Cell::new(Nanos::ZERO),
            account: Account::new(),
            armed: Cell::new(None),
            shared: Shared {
                busy: Counter::new(),
                queue: Lock::new(FairQueue::new()),
                timers: Lock::new(Timers::new()),
            },
        }
    }
}

/// Takes a thread out of a queue that another core may run: one that is loaded on no core. Of others there is one for each core at most.
pub(crate) fn steal<O: Owner>(queue: &mut FairQueue<Thread<O>>) -> Option<Arc<Thread<O>>> {
    let cores = tori::here().cores();
    queue.steal(cores, |thread| thread.loaded_on().is_none())
}

/// A thread that was taken out of a queue, so that nobody else touches it. It goes into this core's when it is dropped.
pub struct Taken<O: Owner>(Arc<Thread<O>>);

impl<O: Owner> Deref for Taken<O> {
    type Target = Arc<Thread<O>>;

    fn deref(&self) -> &Arc<Thread<O>> {
        &self.0
    }
}

impl<O: Owner> Drop for Taken<O> {
    fn drop(&mut self) {
        this().push(self.0.clone());
    }
}
