//! System calls.

use std::io;

use super::{Setting, Work};
use crate::mark;

/// A call that does nothing.
#[derive(Debug)]
pub(super) struct NullCall(usize);

impl NullCall {
    pub(super) fn new(setting: &Setting) -> NullCall {
        NullCall(setting.scaled(131_072))
    }
}

impl Work for NullCall {
    fn operations(&self) -> u64 {
        self.0 as u64
    }

    fn round(&mut self) -> io::Result<()> {
        for _ in 0..self.0 {
            // SAFETY: G2, getpid takes nothing and changes nothing.
            unsafe { libc::syscall(libc::SYS_getpid) };
            mark::operation();
        }
        Ok(())
    }
}
