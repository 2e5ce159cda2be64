//! Waiting for several things at once.

use std::io::{self, ErrorKind, Read};
use std::os::fd::BorrowedFd;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, Timespec};

/// What a machine's session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// The program console.
    Console,
    /// The kernel's log.
    Log,
    /// QEMU's stderr.
    Diagnostics,
    /// Our input.
    Input,
    /// Signals to us.
    Signals,
    /// Our output takes more.
    Stdout,
    /// Our error output takes more.
    Stderr,
    /// The log's way out takes more.
    LogOut,
}

/// Whether trying again later may help.
pub(crate) fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Reads what a socket has; clears `open` at its end.
pub(crate) fn take(socket: &mut impl Read, open: &mut bool) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 16 << 10];
    match socket.read(&mut bytes) {
        Ok(count) if count > 0 => {
            bytes.truncate(count);
            Some(bytes)
        }
        Err(error) if is_transient(&error) => None,
        Ok(_) | Err(_) => {
            *open = false;
            None
        }
    }
}

/// Waits until one of `wanted` is ready, and answers with those that are.
///
/// # Errors
/// The host's, which should not happen.
pub(crate) fn poll(
    wanted: &[(Who, BorrowedFd<'_>, PollFlags)],
    timeout: Option<Duration>,
) -> Result<Vec<(Who, PollFlags)>> {
    let mut fds: Vec<PollFd<'_>> = wanted
        .iter()
        .map(|(_, fd, flags)| PollFd::from_borrowed_fd(*fd, *flags))
        .collect();
    let timeout = timeout.map(|left| Timespec {
        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(left.subsec_nanos()),
    });
    match rustix::event::poll(&mut fds, timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error).context("waiting for the machine"),
    }
    let who = wanted.iter().map(|(who, ..)| *who);
    Ok(who
        .zip(fds.iter().map(PollFd::revents))
        .filter(|(_, events)| !events.is_empty())
        .collect())
}
