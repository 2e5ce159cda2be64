//! Log lines of a torus that wait for the port, so that nobody who logs waits for a serial line.
//!
//! *Flow.* A record is formatted into the backlog of the torus on which it is logged. Cores that idle, and timer interrupts while none
//! does, send as much as the port takes without waiting ([`pump`](super::logger::pump)); a panic and the end of the machine send all.

use braid_files::lines::Lines;
use core::fmt::{self, Write};
use log::Level;
use sync::Lock;

/// Bytes that wait at the most.
pub const CAPACITY: usize = 32 << 10;

/// The lines of a torus that wait.
pub struct Backlog(Lock<Waiting>);

struct Waiting {
    lines: Lines<'static>,
    /// Lines that found no room since the last that did.
    lost: u64,
}

/// Why a line does not wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is to be sent at once: nothing of its kind gets lost.
    Now,
    /// It is lost, and counted.
    Lost,
}

impl Backlog {
    /// A backlog with this room.
    pub const fn new(bytes: &'static mut [u8]) -> Self {
        Self(Lock::new(Waiting {
            lines: Lines::new(bytes),
            lost: 0,
        }))
    }

    /// Adds the line that `format` writes.
    pub(super) fn add(
        &self,
        level: Level,
        format: impl FnOnce(&mut dyn Write) -> fmt::Result,
    ) -> Result<(), Refused> {
        let mut waiting = self.0.lock();
        if waiting.lines.add(format).is_ok() {
            return Ok(());
        }
        if level <= Level::Warn {
            return Err(Refused::Now);
        }
        waiting.lost += 1;
        Err(Refused::Lost)
    }

    /// Takes bytes out, to the end of a line at the most; answers how many.
    pub(super) fn take(&self, to: &mut [u8]) -> usize {
        self.0.lock().lines.take(to)
    }

    /// Takes the number of lines that were lost, if there is room again.
    pub(super) fn take_lost(&self) -> u64 {
        let mut waiting = self.0.lock();
        if waiting.lines.is_roomy() {
            core::mem::take(&mut waiting.lost)
        } else {
            0
        }
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().lines.is_empty()
    }

    /// Frees the lock for a core that stops the machine.
    ///
    /// # Safety
    /// All other cores have stopped, or are about to without touching the log again.
    pub(super) unsafe fn break_lock(&self) {
        // SAFETY: K12, by the caller's promise.
        unsafe { self.0.force_unlock() };
    }
}
