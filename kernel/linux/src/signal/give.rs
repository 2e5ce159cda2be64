//! Giving signals to processes of this torus.

use super::action::{Action, SIG_DFL, SIG_IGN};
use super::state::most_details;
use super::{SigInfo, Signal};
use crate::process::limits;
use crate::process::state::Process;
use crate::process::thread::Current;
use torus::family::Struck;

const STOPS: u64 =
    Signal::STOP.bit() | Signal::TSTP.bit() | Signal::TTIN.bit() | Signal::TTOU.bit();

/// Gives a process a signal. That it goes on after a stop its parent is still to be told.
pub fn give(process: &Process, info: SigInfo) -> Struck {
    let Some(thread) = process.thread() else {
        return Struck::Given;
    };
    let signal = info.signal;
    let mut struck = Struck::Given;
    match signal {
        Signal::CONT => {
            thread.signals.discard(STOPS);
            if process.go_on() {
                struck = Struck::Continued;
            }
        }
        Signal::KILL => {
            process.go_on();
        }
        _ if signal.bit() & STOPS != 0 => thread.signals.discard(Signal::CONT.bit()),
        _ => {}
    }
    let blocked = thread.signals.mask() & signal.bit() != 0;
    if !blocked && process.actions.lock().ignores(signal) && signal != Signal::CONT {
        return struck;
    }
    let limit = process.limits.lock().current(limits::SIGPENDING);
    let most = most_details(limit);
    if !thread.signals.add(info, most) {
        return Struck::Full;
    }
    if !blocked || signal == Signal::CONT {
        thread.call_attention();
    } else {
        // It may wait for just this signal (rt_sigtimedwait).
        thread.wake();
    }
    struck
}

/// Whether a signal that a thread causes itself will run a handler.
pub fn is_caught(thread: &Current, signal: Signal) -> bool {
    let handler = thread.process.actions.lock().get(signal).handler;
    let blocked = thread.signals.mask() & signal.bit() != 0;
    !blocked && handler != SIG_IGN && handler != SIG_DFL
}

/// Delivers a signal that its thread caused itself: neither a mask nor an ignoring action holds it back.
pub fn force(thread: &Current, info: SigInfo) {
    let bit = info.signal.bit();
    let mut actions = thread.process.actions.lock();
    let action = actions.get(info.signal);
    if thread.signals.mask() & bit != 0 || action.handler == SIG_IGN {
        actions.set(info.signal, Action::default());
        thread.signals.set_mask(thread.signals.mask() & !bit);
    }
    drop(actions);
    // Whatever waits already: it comes, if without its details.
    thread.signals.add(info, u64::MAX);
    thread.note_attention();
}
