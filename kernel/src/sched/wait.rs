//! Wait queues: threads that want to be told when something may have changed.
//!
//! A call that must wait enrols the current thread *under the lock of what it waits for*, and returns
//! [`Stop::Block`](crate::syscall::call::Stop::Block). Whoever changes the thing wakes the queue under the same lock (or after it);
//! the call then runs again from its start. Spurious wake-ups are allowed, lost ones are not: a wake-up that
//! arrives between enrolling and blocking is remembered in the thread's state.

use super::lock::Lock;
use crate::process::Thread;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Threads waiting for one thing.
pub struct WaitQueue {
    waiters: Lock<Vec<Arc<Thread>>>,
}

impl WaitQueue {
    /// An empty queue.
    pub const fn new() -> Self {
        Self {
            waiters: Lock::new(Vec::new()),
        }
    }

    /// Adds the current thread. Without memory for the entry the thread is woken at once instead: it polls.
    pub fn enrol(&self) {
        let thread = super::current();
        let mut waiters = self.waiters.lock();
        waiters.retain(|waiter| !waiter.is_dead() && !Arc::ptr_eq(waiter, &thread));
        if waiters.try_reserve(1).is_err() {
            drop(waiters);
            thread.wake();
            return;
        }
        waiters.push(thread);
    }

    /// Wakes every waiter.
    pub fn wake_all(&self) {
        let woken = core::mem::take(&mut *self.waiters.lock());
        for thread in woken {
            thread.wake();
        }
    }
}
