//! The thread that is current on a core.

use crate::core::this;
use crate::own::Current;
use crate::owner::Owner;
use crate::thread::Thread;
use crate::turn;
use alloc::sync::Arc;
use machine::cpu;
use sync::Waiter;

impl<O: Owner> Thread<O> {
    /// Whether a thread runs on this core.
    pub fn has_current() -> bool {
        this::<O>().current.get().is_some()
    }

    /// The thread that runs on this core.
    ///
    /// # Panics
    /// When called from idle: only system calls and faults have a current thread.
    pub fn current() -> Arc<Self> {
        Self::with_current(|thread| Arc::clone(thread))
    }

    /// Works on the thread that runs on this core. It stays that one meanwhile: the core goes on with another one in [`next_thread`] alone,
    /// which promises that nobody works on this one.
    ///
    /// # Panics
    /// Like [`Self::current`].
    #[inline]
    pub fn with_current<R>(f: impl FnOnce(&Current<O>) -> R) -> R {
        match this().current.get() {
            Some(thread) => f(thread),
            None => nobody(),
        }
    }

    /// Counts what the current thread has used of its core so far.
    pub fn charge_current() {
        Self::with_current(|thread| turn::charge(this(), thread));
    }

    /// The current thread lets somebody else have a turn before its own (sched_yield(2)).
    pub fn give_way() {
        let core = this::<O>();
        Self::charge_current();
        let behind = core.queue.lock().behind_first();
        Self::with_current(|thread| core.account.stand_behind(thread, behind));
        cpu::request_resched();
    }

    /// Has a thread that was never woken begin on this core where the current one stands: who makes threads gains no turns.
    pub fn stand_by_current(&self) {
        self.set_last_core(cpu::this().core_in_torus);
        Self::charge_current();
        Self::with_current(|current| self.set_virtual_time(current.virtual_time()));
    }
}

#[cold]
fn nobody() -> ! {
    panic!("no current thread on core {}", cpu::this().index)
}

/// The current thread comes into the kernel.
#[inline]
pub fn enter_kernel<O: Owner>() {
    this::<O>().account.enter();
}

/// Whom this core works for: the current thread, unless [`tori::on_behalf`] says another.
pub fn waiter<O: Owner>() -> Arc<dyn Waiter> {
    tori::behalf().unwrap_or_else(|| Thread::<O>::current())
}
