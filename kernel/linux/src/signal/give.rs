//! Giving signals to processes of this torus.

use super::state::most_details;
use crate::process::limits;
use crate::process::state::Process;
use crate::process::thread::Current;
use braid_signals::{SigInfo, Signal};
use torus::family::Struck;

/// Gives a process a signal. That it goes on after a stop its parent is still to be told.
pub fn give(process: &Process, info: SigInfo) -> Struck {
    let Some(thread) = process.thread() else {
        return Struck::Given;
    };
    let signal = info.signal;
    if signal.takes_back() != 0 {
        thread.signals.discard(signal.takes_back());
    }
    let mut struck = Struck::Given;
    if signal.resumes() && process.go_on() && signal == Signal::CONT {
        struck = Struck::Continued;
    }
    let mask = thread.signals.mask();
    if process.actions.lock().drops(signal, mask) {
        return struck;
    }
    let limit = process.limits.lock().current(limits::SIGPENDING);
    let most = most_details(limit);
    if !thread.signals.add(info, most) {
        return Struck::Full;
    }
    if mask & signal.bit() == 0 || signal == Signal::CONT {
        thread.call_attention();
    } else {
        // It may wait for just this signal (rt_sigtimedwait).
        thread.wake();
    }
    struck
}

/// Whether a signal that a thread causes itself will run a handler.
pub fn is_caught(thread: &Current, signal: Signal) -> bool {
    let actions = thread.process.actions.lock();
    actions.catches(signal, thread.signals.mask())
}

/// Delivers a signal that its thread caused itself: neither a mask nor an ignoring action holds it back.
pub fn force(thread: &Current, info: SigInfo) {
    let mut actions = thread.process.actions.lock();
    let mask = actions.force(info.signal, thread.signals.mask());
    thread.signals.set_mask(mask);
    drop(actions);
    // Whatever waits already: it comes, if without its details.
    thread.signals.add(info, u64::MAX);
    thread.note_attention();
}
