//! Timers of processor time that fire, and the limit of it (RLIMIT_CPU).

use super::send;
use crate::process::Process;
use crate::process::limits::CPU;
use crate::process::timers::{SECOND, renew};
use braid_signals::Signal;

/// More of the process's time has been counted: fires what is due.
#[inline]
pub fn check(process: &Process) {
    if process.timers.is_due(process.times.own().total()) {
        fire(process);
    }
}

#[cold]
fn fire(process: &Process) {
    let used = process.times.own();
    let (in_program, all) = process.timers.fired(used);
    if in_program {
        send(process, Signal::VTALRM);
    }
    if all {
        send(process, Signal::PROF);
    }
    enforce(process, used.total());
    renew(process);
}

/// RLIMIT_CPU: SIGXCPU at the limit and each second after it, SIGKILL at the maximum.
fn enforce(process: &Process, total: u64) {
    let seconds = total / SECOND;
    let mut limits = process.limits.lock();
    let [current, maximum] = limits.words()[CPU];
    if seconds >= maximum {
        drop(limits);
        send(process, Signal::KILL);
    } else if seconds >= current {
        limits.set_current(CPU, current.saturating_add(1));
        drop(limits);
        send(process, Signal::XCPU);
    }
}
