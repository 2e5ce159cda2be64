//! Sending signals.

use super::{SigInfo, Signal};
use crate::process::{Pid, Process, Thread, table};
use alloc::sync::Arc;

const STOPS: u64 =
    Signal::STOP.bit() | Signal::TSTP.bit() | Signal::TTIN.bit() | Signal::TTOU.bit();

/// Sends `signal` to a process, as the kernel.
pub fn send(process: &Process, signal: Signal) {
    send_info(process, SigInfo::kernel(signal));
}

/// Sends `signal` to every process of the group `pgid`, as the kernel; returns how many there were.
pub fn send_group(pgid: Pid, signal: Signal) -> usize {
    let members = table().group(pgid);
    for process in &members {
        send(process, signal);
    }
    members.len()
}

/// Sends a signal to a process. Without effect on one that has ended, or ignores it.
pub fn send_info(process: &Process, info: SigInfo) {
    let Some(thread) = process.thread() else {
        return;
    };
    let signal = info.signal;
    match signal {
        Signal::CONT => {
            thread.signals.discard(STOPS);
            process.go_on();
        }
        Signal::KILL => process.go_on(),
        _ if signal.bit() & STOPS != 0 => thread.signals.discard(Signal::CONT.bit()),
        _ => {}
    }
    let blocked = thread.signals.mask() & signal.bit() != 0;
    if !blocked && process.actions.lock().ignores(signal) && signal != Signal::CONT {
        return;
    }
    thread.signals.add(info);
    if !blocked || signal == Signal::CONT {
        thread.call_attention();
    }
}

/// Delivers a signal that its thread caused itself: neither a mask nor an ignoring action holds it back.
pub fn force(thread: &Arc<Thread>, info: SigInfo) {
    let bit = info.signal.bit();
    let mut actions = thread.process.actions.lock();
    let action = actions.get(info.signal);
    if thread.signals.mask() & bit != 0 || action.handler == super::action::SIG_IGN {
        actions.set(info.signal, super::action::Action::default());
        thread.signals.set_mask(thread.signals.mask() & !bit);
    }
    drop(actions);
    thread.signals.add(info);
    thread
        .attention
        .store(true, core::sync::atomic::Ordering::Release);
}
