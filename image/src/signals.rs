//! Signals to the tool, as something that can be polled.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use signal_hook::consts::{SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

/// The signals that end, stop or resize us.
#[derive(Debug)]
pub struct Signals(SignalDelivery<UnixStream, SignalOnly>);

impl Signals {
    /// Catches them from now on.
    ///
    /// # Errors
    /// No descriptors are left.
    pub fn catch() -> io::Result<Signals> {
        let (read, write) = UnixStream::pair()?;
        let numbers = [
            SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGCONT, SIGTSTP, SIGCHLD,
        ];
        Ok(Signals(SignalDelivery::with_pipe(
            read, write, SignalOnly, numbers,
        )?))
    }

    /// Those that have come.
    pub fn pending(&mut self) -> Vec<i32> {
        self.0.pending().collect()
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.get_read().as_fd()
    }
}

/// Ends the tool as the signal would have ended it, so that a shell sees it so.
pub fn die(signal: i32) {
    // It returns only for a signal that does not kill; the caller then exits by itself.
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}
