//! The interval timers of a process: setitimer(2), and alarm(2). Those of processor time are kept by [`timers`].

use super::Signal;
use crate::arch::{cpu, time};
use crate::mem::user::{read_value, write_value};
use crate::process::Thread;
use crate::process::timers::{self, Interval};
use crate::sched::time::Nanos;
use crate::sched::timer::Due;
use crate::sched::wake;
use crate::syscall::call::{Call, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;

/// A process's interval timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alarm {
    /// When it fires next, and the core (index within the torus) whose timer that is.
    next: Option<(Nanos, usize)>,
    /// Nanoseconds between later firings; 0: only once.
    interval: u64,
}

/// A core's timer for an alarm has fired.
pub fn fired(thread: &Arc<Thread>, at: Nanos, now: Nanos) {
    let mut alarm = thread.process.alarm.lock();
    if alarm.next.is_none_or(|(next, _)| next != at) {
        return;
    }
    alarm.next = None;
    // Firings that nobody took are not made up for.
    if let Some(missed) = (now.0 - at.0).checked_div(alarm.interval) {
        let next = Nanos(at.0 + (missed + 1) * alarm.interval);
        arm(thread, &mut alarm, next);
    }
    // Still under the lock: a process that leaves takes with it what has fired before its timer is stopped.
    super::send(&thread.process, Signal::ALRM);
}

fn arm(thread: &Arc<Thread>, alarm: &mut Alarm, at: Nanos) -> bool {
    let set = wake::set_timer(Due::Alarm(thread.clone()), at);
    if set {
        alarm.next = Some((at, cpu::this().core_in_torus));
    }
    set
}

/// Stops the timer of a process that leaves; when it would have fired (0: never), and how often after that.
pub fn suspend(thread: &Arc<Thread>) -> (u64, u64) {
    let alarm = thread.process.alarm.lock();
    if let Some((_, core)) = alarm.next {
        wake::cancel_timer(&Due::Alarm(thread.clone()), core);
    }
    (alarm.next.map_or(0, |(at, _)| at.0), alarm.interval)
}

/// The process stays: its timer runs again.
pub fn resume(thread: &Arc<Thread>) {
    let alarm = *thread.process.alarm.lock();
    restore(
        thread,
        (alarm.next.map_or(0, |(at, _)| at.0), alarm.interval),
    );
}

/// Sets the timer as another torus has stopped it.
pub fn restore(thread: &Arc<Thread>, (at, interval): (u64, u64)) {
    let mut alarm = thread.process.alarm.lock();
    *alarm = Alarm {
        next: None,
        interval,
    };
    if at != 0 && !arm(thread, &mut alarm, Nanos(at)) {
        log::warn!("{}: no memory for its alarm", thread.process.label());
    }
}

/// Takes the timer back, at the end of the process.
pub fn cancel(thread: &Arc<Thread>) {
    let next = thread.process.alarm.lock().next.take();
    if let Some((_, core)) = next {
        wake::cancel_timer(&Due::Alarm(thread.clone()), core);
    }
}

/// Sets the timer to fire after `value` ns (0: never), then every `interval` ns; answers what was left and its interval.
fn set(thread: &Arc<Thread>, value: u64, interval: u64) -> Result<(u64, u64), Errno> {
    let now = time::now();
    let mut alarm = thread.process.alarm.lock();
    let old = remaining(&alarm, now);
    if let Some((_, core)) = alarm.next.take() {
        wake::cancel_timer(&Due::Alarm(thread.clone()), core);
    }
    alarm.interval = interval;
    if value > 0 && !arm(thread, &mut alarm, Nanos(now.0.saturating_add(value))) {
        return Err(Errno::ENOMEM);
    }
    Ok(old)
}

fn remaining(alarm: &Alarm, now: Nanos) -> (u64, u64) {
    // A timer that is set never reads as 0.
    let left = alarm
        .next
        .map_or(0, |(at, _)| at.0.saturating_sub(now.0).max(1000));
    (left, alarm.interval)
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
    fn remaining(self, call: &Call) -> (u64, u64) {
        crate::sched::charge();
        let (intervals, used) = (call.process.timers.intervals(), call.process.times.own());
        match self {
            Self::Real => remaining(&call.process.alarm.lock(), time::now()),
            Self::Virtual => intervals.in_program.remaining(used.user),
            Self::Prof => intervals.all.remaining(used.total()),
        }
    }

    /// Sets it; what was left and its interval.
    fn set(self, call: &Call, value: u64, interval: u64) -> Result<(u64, u64), Errno> {
        let old = self.remaining(call);
        let (mut intervals, used) = (call.process.timers.intervals(), call.process.times.own());
        match self {
            Self::Real => return set(call.thread, value, interval),
            Self::Virtual => {
                intervals.in_program = Interval::after(used.user, value, interval);
            }
            Self::Prof => intervals.all = Interval::after(used.total(), value, interval),
        }
        timers::set(call.process, intervals);
        Ok(old)
    }
}

/// setitimer(2).
pub fn setitimer(call: &mut Call) -> SysResult {
    let which = Which::of(call.int(0))?;
    let [interval_s, interval_us, value_s, value_us]: [i64; 4] = if call.args[1] == 0 {
        [0; 4]
    } else {
        read_value(call.size(1))?
    };
    let interval = nanos(interval_s, interval_us)?;
    let value = nanos(value_s, value_us)?;
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
    let seconds = u64::from(call.args[0] as u32);
    let (left, _) = set(call.thread, seconds * 1_000_000_000, 0)?;
    Ok(left.div_ceil(1_000_000_000) as usize)
}

fn nanos(seconds: i64, micros: i64) -> Result<u64, Errno> {
    if seconds < 0 || !(0..1_000_000).contains(&micros) {
        return Err(Errno::EINVAL);
    }
    Ok((seconds as u64)
        .saturating_mul(1_000_000_000)
        .saturating_add(micros as u64 * 1000))
}

fn report(to: usize, (left, interval): (u64, u64)) -> SysResult {
    if to != 0 {
        let pair = |ns: u64| {
            [
                (ns / 1_000_000_000) as i64,
                (ns % 1_000_000_000 / 1000) as i64,
            ]
        };
        let ([a, b], [c, d]) = (pair(interval), pair(left));
        write_value(to, [a, b, c, d])?;
    }
    Ok(0)
}
