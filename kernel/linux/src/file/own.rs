//! A process of this torus as the one for which something is done with a file.

use super::caller::Caller;
use crate::process::{Current, Process, limits, table};
use crate::signal;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use braid_files::credentials::Identity;
use braid_files::remote::ask::{Request, Who};
use braid_signals::Signal;
use core::sync::atomic::Ordering;
use sync::Waiter;

/// A process, by a thread that can wait.
#[derive(Clone, Copy)]
pub struct Own<'a> {
    process: &'a Arc<Process>,
    thread: &'a Current,
}

impl<'a> Own<'a> {
    /// The caller of a system call.
    pub fn of(call: &Call<'a>) -> Self {
        Self {
            process: call.process,
            thread: call.thread,
        }
    }

    /// The process of a thread.
    pub fn thread(thread: &'a Current) -> Self {
        Self {
            process: &thread.process,
            thread,
        }
    }
}

impl Caller for Own<'_> {
    fn waiter(&self) -> Arc<dyn Waiter> {
        (**self.thread).clone()
    }

    fn identity(&self) -> Identity {
        self.process.credentials.lock().identity()
    }

    fn identity_for(&self, request: &Request) -> Identity {
        match request {
            Request::Access { real: true, .. } => self.process.credentials.lock().real_identity(),
            _ => self.identity(),
        }
    }

    fn file_limit(&self) -> u64 {
        self.process.limits.lock().current(limits::FSIZE)
    }

    fn who(&self) -> Who {
        who(self.process, self.thread)
    }

    fn waits_for_record(&self) {
        self.thread.own().awaits_record.set(true);
    }

    fn broken_pipe(&self, done: usize) -> SysResult {
        if done == 0 {
            return Err(Errno::EPIPE.into());
        }
        signal::send(self.process, Signal::PIPE);
        Ok(done)
    }

    fn signal_group(&self, signal: Signal) -> Stop {
        signal::send_group(table().group_of(self.process.pid), signal);
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
