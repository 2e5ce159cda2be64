//! The interval timers of a process: setitimer(2), and alarm(2). Those of processor time are kept by [`timers`].

use crate::process::Thread;
use crate::process::alarm::{Alarm, Left, Words};
use crate::process::timers::{self, Interval};
use crate::syscall::call::{Call, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use braid_signals::Signal;
use braid_time::{Nanos, next_firing};
use machine::{cpu, time};
use mem::user::{read_value, write_value};
use sched::Due;

/// A core's timer for an alarm has fired. As on Linux a periodic one is set anew only when its signal is taken: who blocks
/// or ignores the signal is not interrupted by it, however short the interval.
pub fn fired(thread: &Arc<Thread>, at: Nanos) {
    let mut alarm = thread.process.alarm.lock();
    if !matches!(alarm.next, Some((next, Some(_))) if next == at) {
        return;
    }
    alarm.next = None;
    alarm.fired = Some(at);
    // Still under the lock: a process that leaves takes with it what has fired before its timer is stopped.
    super::send(&thread.process, Signal::ALRM);
}

/// The program takes a signal. Firings that nobody took are not made up for.
pub fn taken(thread: &Arc<Thread>, signal: Signal) {
    if signal != Signal::ALRM {
        return;
    }
    let mut alarm = thread.process.alarm.lock();
    let at = alarm.fired.take();
    let next = at.and_then(|at| next_firing(at, alarm.interval, time::now()));
    if let Some(next) = next.filter(|_| alarm.next.is_none()) {
        arm(thread, &mut alarm, next);
    }
}

fn arm(thread: &Arc<Thread>, alarm: &mut Alarm, at: Nanos) -> bool {
    let set = sched::set_timer(Due::Alarm(thread.clone()), at);
    if set {
        alarm.next = Some((at, Some(cpu::this().core_in_torus)));
    }
    set
}

/// Stops the timer of a process that leaves; a firing that is under way comes to nothing here.
pub fn suspend(thread: &Arc<Thread>) -> Words {
    let mut alarm = thread.process.alarm.lock();
    alarm.stop(thread);
    alarm.words()
}

/// The process stays: its timer runs again.
pub fn resume(thread: &Arc<Thread>) {
    let words = thread.process.alarm.lock().words();
    restore(thread, words);
}

/// Sets the timer as another torus has stopped it.
pub fn restore(thread: &Arc<Thread>, [at, interval, fired]: Words) {
    let mut alarm = thread.process.alarm.lock();
    *alarm = Alarm {
        next: None,
        interval: Nanos::new(interval),
        fired: (fired != 0).then_some(Nanos::new(fired)),
    };
    if at != 0 && !arm(thread, &mut alarm, Nanos::new(at)) {
        log::warn!("{}: no memory for its alarm", thread.process.label());
    }
}

/// Takes the timer back, at the end of the process.
pub fn cancel(thread: &Arc<Thread>) {
    let mut alarm = thread.process.alarm.lock();
    alarm.stop(thread);
    alarm.next = None;
}

/// Sets the timer to fire after `value` (zero: never), then every `interval`; answers what was left and its interval.
fn set(thread: &Arc<Thread>, value: Nanos, interval: Nanos) -> Result<Left, Errno> {
    let now = time::now();
    let mut alarm = thread.process.alarm.lock();
    let old = alarm.remaining(now);
    alarm.stop(thread);
    alarm.next = None;
    alarm.interval = interval;
    alarm.fired = None;
    if !value.is_zero() && !arm(thread, &mut alarm, now + value) {
        return Err(Errno::ENOMEM);
    }
    Ok(old)
}

/// The timers of setitimer(2).
#[derive(Clone, Copy)]
enum Which {
    Real,
    Virtual,
    Prof,
}

impl Which {
    fn of(number: i32) -> Result<Self, Errno> {
        match number {
            0 => Ok(Self::Real),
            1 => Ok(Self::Virtual),
            2 => Ok(Self::Prof),
            _ => Err(Errno::EINVAL),
        }
    }

    /// What is left of it and its interval.
    fn remaining(self, call: &Call) -> Left {
        Thread::charge_current();
        let (intervals, used) = (call.process.timers.intervals(), call.process.times.own());
        match self {
            Self::Real => call.process.alarm.lock().remaining(time::now()),
            Self::Virtual => spans(intervals.in_program.remaining(used.user)),
            Self::Prof => spans(intervals.all.remaining(used.total())),
        }
    }

    /// Sets it; what was left and its interval.
    fn set(self, call: &Call, value: Nanos, interval: Nanos) -> Result<Left, Errno> {
        let old = self.remaining(call);
        let (mut intervals, used) = (call.process.timers.intervals(), call.process.times.own());
        match self {
            Self::Real => return set(call.thread, value, interval),
            Self::Virtual => {
                intervals.in_program = Interval::after(used.user, value.get(), interval.get());
            }
            Self::Prof => {
                intervals.all = Interval::after(used.total(), value.get(), interval.get())
            }
        }
        timers::set(call.process, intervals);
        Ok(old)
    }
}

/// What is left of a timer of processor time.
fn spans((left, interval): (u64, u64)) -> Left {
    (Nanos::new(left), Nanos::new(interval))
}

/// setitimer(2).
pub fn setitimer(call: &mut Call) -> SysResult {
    let which = Which::of(call.int(0))?;
    let [interval, value]: [[i64; 2]; 2] = if call.args[1] == 0 {
        [[0; 2]; 2]
    } else {
        read_value(call.size(1))?
    };
    let value = Nanos::from_timeval(value)?;
    let interval = Nanos::from_timeval(interval)?;
    let old = which.set(call, value, interval)?;
    report(call.size(2), old)
}

/// getitimer(2).
pub fn getitimer(call: &mut Call) -> SysResult {
    let old = Which::of(call.int(0))?.remaining(call);
    report(call.size(1), old)
}

/// alarm(2).
pub fn alarm(call: &mut Call) -> SysResult {
    let span = Nanos::from_secs(u64::from(call.args[0] as u32));
    let (left, _) = set(call.thread, span, Nanos::ZERO)?;
    // As on Linux: rounded, but never to nothing when something is left.
    let rounded = (left + Nanos::from_millis(500)).as_secs();
    Ok(rounded.max(u64::from(!left.is_zero())) as usize)
}

fn report(to: usize, (left, interval): Left) -> SysResult {
    if to != 0 {
        write_value(to, [interval.timeval(), left.timeval()])?;
    }
    Ok(0)
}
