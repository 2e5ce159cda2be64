//! The process for which something is done with a file.

use crate::syscall::call::{Stop, SysResult};
use alloc::sync::Arc;
use braid_files::credentials::Identity;
use braid_files::remote::ask::{Request, Who};
use braid_signals::Signal;
use sync::Waiter;

/// On whose behalf a file is used: of a process of this torus ([`Own`](super::own::Own)), or of one of another torus, which has sent a
/// [request](super::remote::Serving).
pub trait Caller {
    /// The waiter to enrol on wait queues.
    fn waiter(&self) -> Arc<dyn Waiter>;

    /// As whom it uses files.
    fn identity(&self) -> Identity;

    /// As whom it asks what it is asked to do, which for access(2) is somebody else.
    fn identity_for(&self, _request: &Request) -> Identity {
        self.identity()
    }

    /// No file grows beyond this by its writes, in bytes.
    fn file_limit(&self) -> u64;

    /// What another torus wants to know of it.
    fn who(&self) -> Who;

    /// It waits for a record lock now, until its call or request ends.
    fn waits_for_record(&self) {}

    /// It writes to a pipe that nobody reads, after `done` bytes that somebody could have. What ends with EPIPE gets its signal from
    /// the call.
    fn broken_pipe(&self, done: usize) -> SysResult;

    /// The terminal sends its group this signal; the call runs again after that.
    fn signal_group(&self, signal: Signal) -> Stop;
}
