//! Writes to a program's memory that are done later: the page was on its way, and the call that writes has done what it does only
//! once. They are done before the thread goes back to its program, in order.

use crate::process::deferred::Deferred;
use crate::process::{Current, Thread};
use crate::signal;
use braid_signals::Signal;
use braid_signals::info::{BUS_ADRERR, SigInfo};
use mem::user::{UserError, UserSlice, write_now};

/// Writes to the running program's memory: now, or later where the page is on its way, or behind what is written later.
pub fn write(place: &UserSlice, from: &[u8]) -> Result<(), UserError> {
    Thread::with_current(|thread| {
        if !thread
            .own()
            .deferred
            .with(|deferred| deferred.overlaps(place))
        {
            match write_now(place, from) {
                Err(UserError::Wait) => {}
                result => return result,
            }
        }
        thread.note_attention();
        thread
            .own()
            .deferred
            .with(|deferred| deferred.add(*place, from))
    })
}

/// Has the current thread wait for a page that its program has touched; the program's instruction then runs again.
pub fn wait(thread: &Current) {
    thread.own().deferred.with(Deferred::wait);
    thread.note_attention();
}

/// Does what was left for later, before the current thread goes on with its program. False when it has to wait; true also when it
/// was woken meanwhile, and then is to be asked again.
pub fn write_all(thread: &Current) -> bool {
    let waits = thread.own().deferred.with(Deferred::end_wait);
    let mut deferred = thread.own().deferred.replace(Deferred::new());
    if deferred.is_empty() {
        return !waits || was_woken(thread);
    }
    match deferred.write() {
        Ok(()) => true,
        Err((_, UserError::Wait)) => {
            thread.own().deferred.set(deferred);
            thread.note_attention();
            was_woken(thread)
        }
        Err((address, error)) => {
            lose(thread, address, error);
            true
        }
    }
}

/// The thread waits, unless it was woken already.
fn was_woken(thread: &Current) -> bool {
    !thread.waits()
}

/// The program does not get what it was told that it would find in its memory.
fn lose(thread: &Current, address: usize, error: UserError) {
    if error == UserError::NoMemory {
        let label = thread.process.label();
        log::error!("{label}: killed: no memory for the page at {address:#x}");
        signal::send(&thread.process, Signal::KILL);
    } else {
        let text = format_args!("what the kernel writes at {address:#x} is lost with its page");
        thread.process.log(log::Level::Info, text);
        signal::force(
            thread,
            SigInfo::fault(Signal::BUS, BUS_ADRERR, address as u64),
        );
    }
}
