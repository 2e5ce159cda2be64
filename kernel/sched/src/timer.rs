//! Timers of a core: what its threads wait for.

use crate::thread::Thread;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use braid_time::Nanos;
use fallible::TryMap;
use sync::Waiter;

/// What happens when a timer fires, and to whom.
pub enum Due<O> {
    /// A call has waited long enough.
    Wake(Arc<dyn Waiter>),
    /// A thread's alarm (setitimer(2)).
    Alarm(Arc<Thread<O>>),
}

impl<O> Clone for Due<O> {
    fn clone(&self) -> Self {
        match self {
            Self::Wake(waiter) => Self::Wake(waiter.clone()),
            Self::Alarm(thread) => Self::Alarm(thread.clone()),
        }
    }
}

/// What tells timers apart: whose they are, and what for.
type Key = (usize, bool);

impl<O> Due<O> {
    fn key(&self) -> Key {
        match self {
            Self::Wake(waiter) => (Arc::as_ptr(waiter).cast::<()>().addr(), false),
            Self::Alarm(thread) => (Arc::as_ptr(thread).addr(), true),
        }
    }
}

/// One timer.
pub(crate) struct Timer<O> {
    /// When it fires.
    pub(crate) at: Nanos,
    /// What then.
    pub(crate) due: Due<O>,
}

/// A core's timers, one for each [`Due`].
pub(crate) struct Timers<O> {
    by_time: BTreeMap<(Nanos, Key), Due<O>>,
    /// When each fires.
    times: BTreeMap<Key, Nanos>,
}

impl<O> Timers<O> {
    /// None.
    pub(crate) const fn new() -> Self {
        Self {
            by_time: BTreeMap::new(),
            times: BTreeMap::new(),
        }
    }

    /// When the next one fires.
    pub(crate) fn next(&self) -> Option<Nanos> {
        self.by_time.first_key_value().map(|((at, _), _)| *at)
    }

    /// Adds a timer, in place of the one for the same; gives it back when there is no memory.
    pub(crate) fn add(&mut self, timer: Timer<O>) -> Result<(), Timer<O>> {
        let Timer { at, due } = timer;
        self.remove(&due);
        let key = due.key();
        if self.times.put(key, at).is_err() {
            return Err(Timer { at, due });
        }
        if self.by_time.put((at, key), due.clone()).is_err() {
            self.times.remove(&key);
            return Err(Timer { at, due });
        }
        Ok(())
    }

    /// Removes a timer, if it has not fired.
    pub(crate) fn remove(&mut self, due: &Due<O>) {
        let key = due.key();
        if let Some(at) = self.times.remove(&key) {
            self.by_time.remove(&(at, key));
            self.tidy();
        }
    }

    /// Takes the next timer that is due at `now`.
    pub(crate) fn expired(&mut self, now: Nanos) -> Option<Timer<O>> {
        if self.next()? > now {
            return None;
        }
        let ((at, key), due) = self.by_time.pop_first()?;
        self.times.remove(&key);
        self.tidy();
        Some(Timer { at, due })
    }

    /// The last one's memory goes back.
    fn tidy(&mut self) {
        if self.by_time.is_empty() {
            *self = Self::new();
        }
    }
}
