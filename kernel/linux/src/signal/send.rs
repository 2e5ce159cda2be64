//! Sending signals.

use super::give::give;
use crate::process::{Pid, Process, table};
use braid_signals::info::SI_KERNEL;
use braid_signals::{SigInfo, Signal};
use torus::family::{Crowd, Members, Report, Sent, Struck, Told};

/// Sends `signal` to a process, as the kernel.
pub fn send(process: &Process, signal: Signal) {
    send_info(process, SigInfo::kernel(signal));
}

/// Sends `signal` to every process of the group `pgid`, wherever they are, as the kernel.
pub fn send_group(pgid: Pid, signal: Signal) {
    let sent = Sent {
        signal: signal.number() as u32,
        code: SI_KERNEL,
        from: None,
        uid: 0,
        euid: 0,
        session: None,
    };
    let crowd = Crowd {
        members: Members::Group(pgid),
        session: None,
    };
    table().with(|families, effects| families.to_crowd(None, crowd, Told::Signal(sent), effects));
}

/// Sends a signal to a process of this torus. Without effect on one that has ended, or ignores it.
pub fn send_info(process: &Process, info: SigInfo) {
    if give(process, info) == Struck::Continued {
        table().report(process, Report::Continued);
    }
}

/// Job control stops a process; the parent learns of it.
pub fn stop(process: &Process, signal: Signal) {
    if process.stop() {
        table().report(process, Report::Stopped(signal.number() as u32));
    }
}
