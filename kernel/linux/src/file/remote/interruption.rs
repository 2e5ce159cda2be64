//! Signals to a thread whose call has asked another torus.

use super::journal;
use crate::process::Current;
use fallible::NoMemory;

/// When a signal may interrupt a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// At once.
    Now,
    /// When the home has answered, which it does soon: the thread is told to look at its signals then.
    WhenAnswered,
    /// After the call has run again: something was done that it has to take.
    AfterRun,
}

/// When a signal may interrupt the thread's call; asks homes to cancel what it waits for.
pub fn interruption(thread: &Current) -> Interruption {
    journal::with(thread, |journal| {
        let mut when = Interruption::Now;
        for entry in &journal.entries {
            entry.cancel();
            match entry.look(|reply| Ok(reply.is_void())) {
                Ok(None) => return Interruption::WhenAnswered,
                Ok(Some(true)) => {}
                Ok(Some(false)) | Err(NoMemory) => when = Interruption::AfterRun,
            }
        }
        when
    })
}
