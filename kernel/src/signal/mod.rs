//! Signals.

mod number;

pub use number::Signal;

use crate::process::{Pid, Process};

/// Sends `signal` to a process.
pub fn send(_process: &Process, _signal: Signal) {}

/// Sends `signal` to every process of the group `pgid`; returns how many there were.
pub fn send_group(_pgid: Pid, _signal: Signal) -> usize {
    0
}
