//! What something is done with, and what comes of it.

use super::super::open::OpenFile;
use super::super::tree::Node;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::stat::Stat;
use braid_files::walk::Target;
use fallible::to_vec;

/// What something is done with.
pub enum Subject {
    /// An open file.
    File(Arc<OpenFile>),
    /// What a path led to.
    Target(Target<Node>),
}

/// What came of it.
pub enum Outcome {
    /// The number that the call returns.
    Done(usize),
    /// Attributes.
    Stat(Stat),
    /// Bytes for the program.
    Bytes(Vec<u8>),
    /// A file was opened.
    Opened(Arc<OpenFile>),
}

impl Subject {
    /// The node; `without` when the file has none, ENOENT when there is nothing.
    pub(super) fn node(&self, without: Errno) -> Result<Node, Errno> {
        match self {
            Self::File(file) => file.node().ok_or(without),
            Self::Target(target) => Ok(target.node.clone().ok_or(Errno::ENOENT)?.now()),
        }
    }

    /// Where the path led. EINVAL for an open file.
    pub(super) fn target(self) -> Result<Target<Node>, Errno> {
        match self {
            Self::File(_) => Err(Errno::EINVAL),
            Self::Target(target) => Ok(target),
        }
    }

    /// The open file. EBADF for a path.
    pub(super) fn file(&self) -> Result<&OpenFile, Errno> {
        match self {
            Self::File(file) => Ok(file),
            Self::Target(_) => Err(Errno::EBADF),
        }
    }
}

/// A copy of bytes. ENOMEM without memory for it.
pub fn bytes(from: &[u8]) -> Result<Vec<u8>, Errno> {
    Ok(to_vec(from)?)
}
