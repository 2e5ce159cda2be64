//! What happens when a process has used so much processor time: ITIMER_VIRTUAL and ITIMER_PROF of setitimer(2), and RLIMIT_CPU.
//!
//! *Flow.* A core counts what its current thread has used when it stops running, when the core's slice ends, and when somebody wants to know.
//! The slice ends no later than something here is due, so that a timer fires within the time of an interrupt.

use super::limits::{CPU, INFINITY};
use super::state::Process;
use super::times::Times;
use core::sync::atomic::{AtomicU64, Ordering};
use sched::Used;
use sync::Lock;

/// Nanoseconds between two looks at the least.
const GRAIN: u64 = 50_000;
pub(crate) const SECOND: u64 = 1_000_000_000;

/// A timer that counts processor time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// The processor time at which it fires next; 0: never.
    pub next: u64,
    /// What lies between later firings; 0: there are none.
    pub interval: u64,
}

impl Interval {
    /// Fires after `value` (0: never), then every `interval`.
    pub fn after(now: u64, value: u64, interval: u64) -> Self {
        let next = if value == 0 {
            0
        } else {
            now.saturating_add(value)
        };
        Self { next, interval }
    }

    /// Whether it has fired by now. Firings that nobody saw are not made up for.
    fn fires(&mut self, now: u64) -> bool {
        if self.next == 0 || now < self.next {
            return false;
        }
        let missed = (now - self.next).checked_div(self.interval);
        self.next = missed.map_or(0, |missed| {
            let later = (missed + 1).saturating_mul(self.interval);
            self.next.saturating_add(later)
        });
        true
    }

    /// What is left of it (0: it is not set), and its interval.
    pub fn remaining(&self, now: u64) -> (u64, u64) {
        // A timer that is set never reads as 0.
        let left = match self.next {
            0 => 0,
            next => next.saturating_sub(now).max(1000),
        };
        (left, self.interval)
    }

    fn left(&self, now: u64) -> u64 {
        match self.next {
            0 => u64::MAX,
            next => next.saturating_sub(now),
        }
    }
}

/// The two timers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Intervals {
    /// Of time in the program (ITIMER_VIRTUAL).
    pub in_program: Interval,
    /// Of all processor time (ITIMER_PROF).
    pub all: Interval,
}

/// A process's timers of processor time.
pub struct Timers {
    intervals: Lock<Intervals>,
    /// All the processor time at which there is something to look at; `u64::MAX`: never.
    due: AtomicU64,
}

impl Timers {
    /// None, and no limit.
    pub const fn new() -> Self {
        const NONE: Interval = Interval {
            next: 0,
            interval: 0,
        };
        Self {
            intervals: Lock::new(Intervals {
                in_program: NONE,
                all: NONE,
            }),
            due: AtomicU64::new(u64::MAX),
        }
    }

    /// The two timers.
    pub fn intervals(&self) -> Intervals {
        *self.intervals.lock()
    }

    /// Whether there is something to look at when all the processor time is so much.
    #[inline]
    pub fn is_due(&self, total: u64) -> bool {
        let due = self.due.load(Ordering::Relaxed);
        due != u64::MAX && total >= due
    }

    /// Which of both have fired by now, by the time in the program and all processor time.
    pub fn fired(&self, used: Used) -> (bool, bool) {
        let mut intervals = self.intervals.lock();
        let in_program = intervals.in_program.fires(used.user);
        (in_program, intervals.all.fires(used.total()))
    }

    /// Nanoseconds that the process may run before there is something to look at.
    pub fn left(&self, times: &Times) -> u64 {
        match self.due.load(Ordering::Relaxed) {
            u64::MAX => u64::MAX,
            due => due.saturating_sub(times.own().total()).max(GRAIN),
        }
    }
}

/// Sets the two timers.
pub fn set(process: &Process, intervals: Intervals) {
    *process.timers.intervals.lock() = intervals;
    renew(process);
}

/// A timer or the limit of processor time has changed, or the process has come into being with one.
pub fn renew(process: &Process) {
    let used = process.times.own();
    let (intervals, total) = (process.timers.intervals(), used.total());
    let in_program = intervals.in_program.left(used.user);
    let left = in_program.min(intervals.all.left(total));
    let left = left.min(limit(process).map_or(u64::MAX, |limit| limit.saturating_sub(total)));
    let due = match left {
        u64::MAX => u64::MAX,
        left => total.saturating_add(left),
    };
    process.timers.due.store(due, Ordering::Relaxed);
}

/// The processor time at which the limit in force is reached, if there is one.
fn limit(process: &Process) -> Option<u64> {
    let [current, maximum] = process.limits.lock().words()[CPU];
    let seconds = current.min(maximum);
    (seconds != INFINITY).then(|| seconds.saturating_mul(SECOND))
}
