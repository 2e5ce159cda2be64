//! The copies of files that a call has begun.

use super::super::memory;
use super::super::open::OpenFile;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::credentials::Identity;
use fallible::TryVec;

/// The copies that a call makes, in the order in which each of its runs asks for them.
#[derive(Default)]
pub struct Copies {
    copies: Vec<Copying>,
    /// The next one of this run.
    pub(super) next: usize,
}

/// A copy under way.
#[derive(Clone)]
pub(super) struct Copying {
    pub(super) file: Arc<OpenFile>,
    /// Bytes that it has.
    pub(super) len: u64,
    pub(super) complete: bool,
}

impl Copies {
    /// The call runs again.
    pub fn rewind(&mut self) {
        self.next = 0;
    }

    /// The one that is asked for now.
    pub(super) fn current(&mut self) -> Result<&mut Copying, Errno> {
        if self.copies.len() == self.next {
            self.copies.try_push(Copying {
                file: memory::nameless(&Identity::default(), false, None)?,
                len: 0,
                complete: false,
            })?;
        }
        Ok(&mut self.copies[self.next])
    }
}
