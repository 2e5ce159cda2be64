//! Processor time of processes.

use core::sync::atomic::{AtomicU64, Ordering};
use sched::Used;

/// Processor time of a process and of the children that it has collected, in nanoseconds.
#[derive(Debug, Default)]
pub struct Times {
    user: AtomicU64,
    system: AtomicU64,
    children_user: AtomicU64,
    children_system: AtomicU64,
}

impl Times {
    /// Adds time that the process ran.
    pub fn add(&self, used: Used) {
        self.user.fetch_add(used.user, Ordering::Relaxed);
        self.system.fetch_add(used.system, Ordering::Relaxed);
    }

    /// Adds what a collected child and its children used.
    pub fn add_children(&self, used: Used) {
        self.children_user.fetch_add(used.user, Ordering::Relaxed);
        self.children_system
            .fetch_add(used.system, Ordering::Relaxed);
    }

    /// What the process itself used, up to when its cores counted last.
    pub fn own(&self) -> Used {
        Used {
            user: self.user.load(Ordering::Relaxed),
            system: self.system.load(Ordering::Relaxed),
        }
    }

    /// What its collected children used.
    pub fn children(&self) -> Used {
        Used {
            user: self.children_user.load(Ordering::Relaxed),
            system: self.children_system.load(Ordering::Relaxed),
        }
    }

    /// What itself and its collected children used.
    pub fn all(&self) -> Used {
        let (own, children) = (self.own(), self.children());
        Used {
            user: own.user.saturating_add(children.user),
            system: own.system.saturating_add(children.system),
        }
    }
}
