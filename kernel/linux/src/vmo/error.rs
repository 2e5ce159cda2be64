//! Errors of objects and builders as error numbers: the one place.

use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use vm::builder::BuilderError;
use vm::vmo::VmoError;

impl From<VmoError> for Errno {
    fn from(error: VmoError) -> Self {
        match error {
            VmoError::OutOfRange { .. } => Self::ERANGE,
            VmoError::TooLarge => Self::EFBIG,
            VmoError::Denied(_) => Self::EACCES,
            VmoError::ForeignStore => Self::EXDEV,
            VmoError::Duplicate(_) | VmoError::DirtyTail | VmoError::Overlap(_) => Self::EINVAL,
            VmoError::Missing(_) => Self::EIO,
            VmoError::OutOfPages(_) => Self::ENOMEM,
        }
    }
}

impl From<BuilderError> for Errno {
    fn from(error: BuilderError) -> Self {
        match error {
            BuilderError::Committed => Self::EBADFD,
            BuilderError::BoundExceeded { .. } => Self::EFBIG,
            BuilderError::PatchBeyondEnd { .. } => Self::ERANGE,
            BuilderError::OutOfPages(_) => Self::ENOMEM,
        }
    }
}

impl From<VmoError> for Stop {
    fn from(error: VmoError) -> Self {
        Errno::from(error).into()
    }
}

impl From<BuilderError> for Stop {
    fn from(error: BuilderError) -> Self {
        Errno::from(error).into()
    }
}
