//! Timers of a core: what its threads wait for, earliest last.

use super::time::Nanos;
use super::wait::Waiter;
use crate::process::Thread;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What happens when a timer fires, and to whom.
#[derive(Clone)]
pub enum Due {
    /// A call has waited long enough.
    Wake(Arc<dyn Waiter>),
    /// A process's interval timer (setitimer(2)), by its thread.
    Alarm(Arc<Thread>),
}

impl Due {
    /// Whether both mean the same.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Wake(one), Self::Wake(other)) => {
                core::ptr::addr_eq(Arc::as_ptr(one), Arc::as_ptr(other))
            }
            (Self::Alarm(one), Self::Alarm(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

/// One timer.
pub struct Timer {
    /// When it fires.
    pub at: Nanos,
    /// What then.
    pub due: Due,
}

/// A core's timers.
pub struct Timers {
    latest_first: Vec<Timer>,
}

impl Timers {
    /// None.
    pub const fn new() -> Self {
        Self {
            latest_first: Vec::new(),
        }
    }

    /// When the next one fires.
    pub fn next(&self) -> Option<Nanos> {
        self.latest_first.last().map(|timer| timer.at)
    }

    /// Adds a timer; gives it back when there is no memory.
    pub fn add(&mut self, timer: Timer) -> Result<(), Timer> {
        if self.latest_first.try_reserve(1).is_err() {
            return Err(timer);
        }
        let index = self
            .latest_first
            .partition_point(|other| other.at > timer.at);
        self.latest_first.insert(index, timer);
        Ok(())
    }

    /// Removes a timer, if it has not fired.
    pub fn remove(&mut self, due: &Due) {
        let found = |timer: &Timer| timer.due.is(due);
        if let Some(index) = self.latest_first.iter().position(found) {
            self.latest_first.remove(index);
        }
    }

    /// Takes the next timer that is due at `now`.
    pub fn expired(&mut self, now: Nanos) -> Option<Timer> {
        if self.next()? <= now {
            self.latest_first.pop()
        } else {
            None
        }
    }
}
