//! The host's terminal: raw while a program of the guest owns it, as it was on every way out.

use std::io::{IsTerminal, stderr, stdin, stdout};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Mutex;

use rustix::termios::{self, OptionalActions, Termios};

/// The terminal's settings before raw mode; `None` while it is not raw. Global because a panic hook must find it.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Raw mode, until dropped.
#[derive(Debug)]
pub struct Raw(());

impl Raw {
    /// Puts the terminal on standard input into raw mode; `None` if there is none or we are in its background.
    #[must_use]
    pub fn enter() -> Option<Raw> {
        let ours =
            termios::tcgetpgrp(stdin()).is_ok_and(|group| group == rustix::process::getpgrp());
        if !stdin().is_terminal() || !ours {
            return None;
        }
        let before = termios::tcgetattr(stdin()).ok()?;
        let mut raw = before.clone();
        raw.make_raw();
        termios::tcsetattr(stdin(), OptionalActions::Drain, &raw).ok()?;
        *BEFORE
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(before);
        Some(Raw(()))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal its settings back, if it is raw.
pub fn restore() {
    if let Ok(mut before) = BEFORE.try_lock()
        && let Some(before) = before.take()
    {
        // Nothing is left to do for a terminal that has gone.
        let _ = termios::tcsetattr(stdin(), OptionalActions::Drain, &before);
    }
}

/// Makes a panic of the tool restore the terminal before its message is printed.
pub fn restore_on_panic() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        restore();
        default(info);
    }));
}

/// The digits of those of the descriptors 0, 1 and 2 that are terminals.
#[must_use]
pub fn digits() -> String {
    let terminals = [
        stdin().is_terminal(),
        stdout().is_terminal(),
        stderr().is_terminal(),
    ];
    "012"
        .chars()
        .zip(terminals)
        .filter(|(_, is)| *is)
        .map(|(digit, _)| digit)
        .collect()
}

/// Rows and columns of the first terminal among our descriptors.
#[must_use]
pub fn size() -> Option<(u16, u16)> {
    fn of(fd: BorrowedFd<'_>) -> Option<(u16, u16)> {
        termios::tcgetwinsize(fd)
            .ok()
            .map(|size| (size.ws_row, size.ws_col))
    }
    of(stdin().as_fd())
        .or_else(|| of(stdout().as_fd()))
        .or_else(|| of(stderr().as_fd()))
}
