//! Processor time of the thread that is current on a core: told apart by where it was spent, and what it costs the thread of its turn.

use crate::owner::Owner;
use crate::thread::Thread;
use core::cell::Cell;
use machine::time;

/// Processor time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// In the program.
    pub user: u64,
    /// In the kernel, on its behalf.
    pub system: u64,
}

impl Used {
    /// All of it.
    pub const fn total(self) -> u64 {
        self.user.saturating_add(self.system)
    }
}

/// What a core knows of its current thread's time since it was settled last, in ticks of the core's counter.
pub(crate) struct Account {
    /// When it was settled last.
    since: Cell<u64>,
    /// What the thread has spent in the kernel; while it is there, less the time at which it came: each way costs one sum.
    inside: Cell<u64>,
    /// The virtual time that the thread has used on this core.
    turn: Cell<u64>,
}

impl Account {
    /// Of a core without a thread.
    pub(crate) const fn new() -> Self {
        Self {
            since: Cell::new(0),
            inside: Cell::new(0),
            turn: Cell::new(0),
        }
    }

    /// The thread comes into the kernel.
    #[inline]
    pub(crate) fn enter(&self) {
        let now = time::ticks();
        self.inside.set(self.inside.get().wrapping_sub(now));
    }

    /// The thread goes back to its program.
    #[inline]
    pub(crate) fn leave(&self) {
        let now = time::ticks();
        self.inside.set(self.inside.get().wrapping_add(now));
    }

    /// A thread becomes current, in the kernel, that has used so much virtual time.
    pub(crate) fn begin(&self, turn: u64) {
        let now = time::ticks();
        self.since.set(now);
        self.inside.set(now.wrapping_neg());
        self.turn.set(turn);
    }

    /// What the thread has used since it was settled last. It is in the kernel.
    pub(crate) fn settle(&self) -> Used {
        let now = time::ticks();
        let inside = self.inside.replace(now.wrapping_neg());
        let all = now.wrapping_sub(self.since.replace(now));
        let (all, system) = (time::nanos(all), time::nanos(inside.wrapping_add(now)));
        Used {
            user: all.saturating_sub(system),
            system: system.min(all),
        }
    }

    /// Counts virtual time that the thread has used.
    pub(crate) fn use_turn<O: Owner>(&self, thread: &Thread<O>, used: u64) {
        self.set_turn(thread, self.turn.get().saturating_add(used));
    }

    /// The thread has used at least so much virtual time.
    pub(crate) fn stand_behind<O: Owner>(&self, thread: &Thread<O>, turn: u64) {
        self.set_turn(thread, self.turn.get().max(turn));
    }

    fn set_turn<O: Owner>(&self, thread: &Thread<O>, turn: u64) {
        self.turn.set(turn);
        thread.set_virtual_time(turn);
    }
}
