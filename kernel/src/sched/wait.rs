//! Wait queues: who wants to be told when something may have changed.
//!
//! A call that must wait enrols the current thread *under the lock of what it waits for*, and returns
//! [`Stop::Block`](crate::syscall::call::Stop::Block). Whoever changes the thing wakes the queue under the same lock (or after it);
//! the call then runs again from its start. Spurious wake-ups are allowed, lost ones are not: a wake-up that
//! arrives between enrolling and blocking is remembered in the thread's state.

use super::lock::Lock;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Who can wait: a thread, or what works for one of another torus.
pub trait Waiter: Send + Sync {
    /// Has it look again at what it waits for.
    fn wake(self: Arc<Self>);

    /// Whether it waits for nothing any more.
    fn is_gone(&self) -> bool;
}

/// Those who wait for one thing.
pub struct WaitQueue {
    waiters: Lock<Vec<Arc<dyn Waiter>>>,
}

impl WaitQueue {
    /// An empty queue.
    pub const fn new() -> Self {
        Self {
            waiters: Lock::new(Vec::new()),
        }
    }

    /// Adds whom this core works for, as [`Self::add`] does: the current thread, unless [`super::on_behalf`] says another.
    pub fn enrol(&self) {
        let other = super::this().on_behalf.with(|other| other.clone());
        self.add(other.unwrap_or_else(|| super::current()));
    }

    /// Adds somebody. Without memory for the entry they are woken at once instead: they poll.
    pub fn add(&self, waiter: Arc<dyn Waiter>) {
        let mut waiters = self.waiters.lock();
        let is_same =
            |other: &Arc<dyn Waiter>| core::ptr::addr_eq(Arc::as_ptr(other), Arc::as_ptr(&waiter));
        waiters.retain(|other| !other.is_gone() && !is_same(other));
        if waiters.try_reserve(1).is_err() {
            drop(waiters);
            waiter.wake();
            return;
        }
        waiters.push(waiter);
    }

    /// Wakes every waiter.
    pub fn wake_all(&self) {
        let woken = core::mem::take(&mut *self.waiters.lock());
        for waiter in woken {
            waiter.wake();
        }
    }
}
