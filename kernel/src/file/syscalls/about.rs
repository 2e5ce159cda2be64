//! Having something done with a file, wherever it is.

use super::super::caller::Caller;
use super::super::open::OpenFile;
use super::super::service::{self, Outcome, Subject};
use super::super::tree::{Node, World};
use super::AT_FDCWD;
use crate::mem::user::UserSlice;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use braid_files::far::ask::Request;
use braid_files::stat::Stat;
use braid_files::walk::{self, Target, Walk};

/// A path of a call, with the directory that it begins in.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    /// Descriptor of a directory, or AT_FDCWD.
    pub(super) directory: i32,
    pub(super) path: &'a [u8],
    /// Whether a symbolic link in the last place is followed.
    pub(super) follow: bool,
}

impl<'a> At<'a> {
    /// A path from the working directory, its last link followed.
    pub(super) fn here(path: &'a [u8]) -> Self {
        Self {
            directory: AT_FDCWD,
            path,
            follow: true,
        }
    }

    /// A path from a directory, its last link followed.
    pub(super) fn from(directory: i32, path: &'a [u8]) -> Self {
        Self {
            directory,
            ..Self::here(path)
        }
    }

    /// The same path, with the last link itself.
    pub(super) fn itself(self) -> Self {
        Self {
            follow: false,
            ..self
        }
    }

    /// The directory from which the path is resolved.
    fn base(&self, call: &Call) -> Result<Node, Errno> {
        if self.path.first() == Some(&b'/') {
            Ok(Node::root())
        } else if self.directory == AT_FDCWD {
            Ok(call.process.files.directory())
        } else {
            call.process.files.get(self.directory)?.directory()
        }
    }
}

/// Where a path leads.
pub(super) fn resolve(call: &Call, at: At) -> Result<Target<Node>, Stop> {
    match walk::resolve(&World, &at.base(call)?, at.path, at.follow)? {
        Walk::Target(target) => Ok(target),
        Walk::Leaves(_) => Err(Errno::EXDEV.into()),
    }
}

/// Has something done with what a path leads to.
pub(super) fn about_path(call: &Call, at: At, request: Request) -> Result<Outcome, Stop> {
    let target = resolve(call, at)?;
    service::perform(&Caller::of(call), Subject::Target(target), request)
}

/// Has something done with an open file.
pub(super) fn about_file(
    call: &Call,
    file: Arc<OpenFile>,
    request: Request,
) -> Result<Outcome, Stop> {
    service::perform(&Caller::of(call), Subject::File(file), request)
}

impl Outcome {
    /// The number that the call returns.
    pub(super) fn number(self) -> SysResult {
        match self {
            Self::Done(number) => Ok(number),
            _ => Err(Errno::EIO.into()),
        }
    }

    /// Attributes.
    pub(super) fn stat(self) -> Result<Stat, Stop> {
        match self {
            Self::Stat(stat) => Ok(stat),
            _ => Err(Errno::EIO.into()),
        }
    }

    /// An open file.
    pub(super) fn opened(self) -> Result<Arc<OpenFile>, Stop> {
        match self {
            Self::Opened(file) => Ok(file),
            _ => Err(Errno::EIO.into()),
        }
    }

    /// Writes the bytes to the program, at most `len` of them; answers how many.
    pub(super) fn write_to(self, address: usize, len: usize) -> SysResult {
        let Self::Bytes(bytes) = self else {
            return Err(Errno::EIO.into());
        };
        let n = bytes.len().min(len);
        UserSlice::new(address, n)?.write(&bytes[..n])?;
        Ok(n)
    }
}
