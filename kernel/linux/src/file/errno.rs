//! File errors as error numbers: the one place.

use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use braid_files::error::FileError;

impl From<FileError> for Errno {
    fn from(error: FileError) -> Self {
        match error {
            FileError::NotFound => Self::ENOENT,
            FileError::NotDirectory => Self::ENOTDIR,
            FileError::IsDirectory => Self::EISDIR,
            FileError::Exists => Self::EEXIST,
            FileError::NotEmpty => Self::ENOTEMPTY,
            FileError::TooManyLinks => Self::ELOOP,
            FileError::NameTooLong => Self::ENAMETOOLONG,
            FileError::Invalid => Self::EINVAL,
            FileError::NotPermitted => Self::EPERM,
            FileError::Denied => Self::EACCES,
            FileError::Busy => Self::EBUSY,
            FileError::ReadOnly => Self::EROFS,
            FileError::NoSpace => Self::ENOSPC,
            FileError::NoMemory => Self::ENOMEM,
            FileError::BadDescriptor => Self::EBADF,
            FileError::TooManyOpen => Self::EMFILE,
        }
    }
}

impl From<FileError> for Stop {
    fn from(error: FileError) -> Self {
        Errno::from(error).into()
    }
}
