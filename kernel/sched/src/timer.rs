//! What the timers of a core are for.

use crate::owner::Owner;
use crate::thread::Thread;
use alloc::sync::Arc;
use braid_threads::timers;
use sync::Waiter;

/// What happens when a timer fires, and to whom.
pub enum Due<O: Owner> {
    /// A call has waited long enough.
    Wake(Arc<dyn Waiter>),
    /// A thread's alarm (setitimer(2)).
    Alarm(Arc<Thread<O>>),
}

impl<O: Owner> Clone for Due<O> {
    fn clone(&self) -> Self {
        match self {
            Self::Wake(waiter) => Self::Wake(waiter.clone()),
            Self::Alarm(thread) => Self::Alarm(thread.clone()),
        }
    }
}

impl<O: Owner> timers::Due for Due<O> {
    /// The address of whose it is, and whether it is an alarm.
    type Key = (usize, bool);

    fn key(&self) -> Self::Key {
        match self {
            Self::Wake(waiter) => (Arc::as_ptr(waiter).cast::<()>().addr(), false),
            Self::Alarm(thread) => (Arc::as_ptr(thread).addr(), true),
        }
    }
}
