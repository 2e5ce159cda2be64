//! Why a file operation was refused.

use fallible::NoMemory;
use thiserror::Error;

/// A refusal, named after its meaning; the kernel maps each to the error number of the same meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FileError {
    /// ENOENT.
    #[error("no such file or directory")]
    NotFound,
    /// ENOTDIR.
    #[error("not a directory")]
    NotDirectory,
    /// EISDIR.
    #[error("is a directory")]
    IsDirectory,
    /// EEXIST.
    #[error("file exists")]
    Exists,
    /// ENOTEMPTY.
    #[error("directory not empty")]
    NotEmpty,
    /// ELOOP.
    #[error("too many symbolic links")]
    TooManyLinks,
    /// ENAMETOOLONG.
    #[error("name too long")]
    NameTooLong,
    /// EINVAL.
    #[error("invalid argument")]
    Invalid,
    /// EPERM.
    #[error("operation not permitted")]
    NotPermitted,
    /// EACCES.
    #[error("permission denied")]
    Denied,
    /// EBUSY.
    #[error("device or resource busy")]
    Busy,
    /// EROFS.
    #[error("read-only file system")]
    ReadOnly,
    /// ENOSPC.
    #[error("no space left on device")]
    NoSpace,
    /// ENOMEM.
    #[error("out of memory")]
    NoMemory,
    /// EBADF.
    #[error("bad file descriptor")]
    BadDescriptor,
    /// EMFILE.
    #[error("too many open files")]
    TooManyOpen,
}

impl From<NoMemory> for FileError {
    fn from(_: NoMemory) -> Self {
        Self::NoMemory
    }
}
