//! The process for which something is done with a file.

use super::far::{Journal, Serving};
use crate::process::{Current, Process, limits, table};
use crate::signal::{self, Signal};
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use braid_files::credentials::Identity;
use braid_files::far::ask::{Request, Who};
use core::sync::atomic::Ordering;
use sync::Waiter;

/// On whose behalf a file is used.
#[derive(Clone, Copy)]
pub enum Caller<'a> {
    /// A process of this torus, by a thread that can wait.
    Here(&'a Arc<Process>, &'a Current),
    /// A process of another torus, by its request.
    There(&'a Arc<Serving>),
}

impl<'a> Caller<'a> {
    /// The caller of a system call.
    pub fn of(call: &Call<'a>) -> Self {
        Self::Here(call.process, call.thread)
    }

    /// The waiter to enrol on wait queues.
    pub fn waiter(&self) -> Arc<dyn Waiter> {
        match self {
            Self::Here(_, thread) => (***thread).clone(),
            Self::There(serving) => (*serving).clone(),
        }
    }

    /// As whom it uses files.
    pub fn identity(&self) -> Identity {
        match self {
            Self::Here(process, _) => process.credentials.lock().identity(),
            Self::There(serving) => serving.who().identity,
        }
    }

    /// As whom it asks what it is asked to do, which for access(2) is somebody else.
    pub fn identity_for(&self, request: &Request) -> Identity {
        match (self, request) {
            (Self::Here(process, _), Request::Access { real: true, .. }) => {
                process.credentials.lock().real_identity()
            }
            _ => self.identity(),
        }
    }

    /// No file grows beyond this by its writes, in bytes.
    pub fn file_limit(&self) -> u64 {
        match self {
            Self::Here(process, _) => process.limits.lock().current(limits::FSIZE),
            Self::There(serving) => serving.who().file_limit,
        }
    }

    /// What another torus wants to know of it.
    pub fn who(&self) -> Who {
        match self {
            Self::Here(process, thread) => who(process, thread),
            Self::There(serving) => serving.who(),
        }
    }

    /// It waits for a record lock now, until its call or request ends.
    pub fn waits_for_record(&self) {
        if let Self::Here(_, thread) = self {
            thread.own().far.with(Journal::note_record);
        }
    }

    /// It writes to a pipe that nobody reads, after `done` bytes that somebody could have. What ends with EPIPE gets its signal from
    /// the call.
    pub fn broken_pipe(&self, done: usize) -> SysResult {
        match self {
            _ if done == 0 => Err(Errno::EPIPE.into()),
            Self::Here(process, _) => {
                signal::send(process, Signal::PIPE);
                Ok(done)
            }
            Self::There(_) => Ok(done),
        }
    }

    /// The terminal sends its group this signal; the call runs again after that.
    pub fn signal_group(&self, signal: Signal) -> Stop {
        match self {
            Self::Here(process, _) => {
                signal::send_group(table().group_of(process.pid), signal);
            }
            Self::There(serving) => serving.signal_group(signal),
        }
        Stop::Block
    }
}

fn who(process: &Process, thread: &Current) -> Who {
    let mask = thread.signals.mask();
    let actions = process.actions.lock();
    let deaf = |signal: Signal| mask & signal.bit() != 0 || actions.ignores(signal);
    let (deaf_to_input, deaf_to_output) = (deaf(Signal::TTIN), deaf(Signal::TTOU));
    drop(actions);
    // One lock after the other: whoever sends signals takes those of processes while the table is locked.
    let identity = process.credentials.lock().identity();
    let file_limit = process.limits.lock().current(limits::FSIZE);
    let session = table().session_of(process.pid);
    let gave_up = process.without_terminal.load(Ordering::Relaxed);
    Who {
        identity,
        file_limit,
        group: table().group_of(process.pid).raw(),
        session: if gave_up { 0 } else { session.raw() },
        leads: session == process.pid,
        deaf_to_input,
        deaf_to_output,
    }
}
