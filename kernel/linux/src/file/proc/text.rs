//! A text of `/proc` while it is written: whatever finds no memory makes the whole text fail.

use crate::syscall::errno::Errno;
use alloc::vec::Vec;
use core::fmt::{self, Write};
use fallible::TryVec;
use machine::cpu;

/// A text.
pub struct Text {
    bytes: Vec<u8>,
    failed: bool,
}

impl Text {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            failed: false,
        }
    }

    /// Appends what is formatted, and lets interrupts in: the writer holds no lock that they take.
    pub fn put(&mut self, arguments: fmt::Arguments<'_>) {
        self.failed |= self.write_fmt(arguments).is_err();
        cpu::let_interrupts_in();
    }

    /// Appends bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.failed |= self.bytes.try_extend_from_slice(bytes).is_err();
    }

    /// Fills the line that begins at `start` up with spaces, so that what comes is in this column.
    pub fn column(&mut self, start: usize, column: usize) {
        const SPACES: [u8; 80] = [b' '; 80];
        let missing = (start + column).saturating_sub(self.bytes.len());
        self.bytes(&SPACES[..missing.min(SPACES.len())]);
    }

    /// Bytes so far.
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What was written. ENOMEM when there was no memory for all of it.
    pub fn finish(self) -> Result<Vec<u8>, Errno> {
        if self.failed {
            Err(Errno::ENOMEM)
        } else {
            Ok(self.bytes)
        }
    }
}

impl Write for Text {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        self.bytes
            .try_extend_from_slice(part.as_bytes())
            .map_err(|_| fmt::Error)
    }
}
