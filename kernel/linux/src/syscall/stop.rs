//! How a system call answers.

use super::errno::Errno;
use braid_signals::stack::StackError;
use braid_time::Invalid;
use fallible::NoMemory;
use mem::object::SourceError;
use mem::user::{BadAddress, UserError};
use vm::space::SpaceError;

/// Why a call did not produce a value. What ends with an error has changed nothing: where memory was short it is run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The call ends with this error.
    Errno(Errno),
    /// The caller has enrolled on wait queues (or set a deadline): run the call again from its start when woken. What signals do
    /// meanwhile says the [table](super::table).
    Block,
    /// The call has done a piece of its work: run it again from its start after what else there is to do.
    Again,
    /// There is no memory for more than the bytes that the call has moved. It waits for memory that may come, and ends with those
    /// bytes when there is none.
    Short,
    /// A page or a frame that the call needs is not there yet: run the call again when the caller is woken, as if this
    /// run had not been. Nothing interrupts such a wait but the end of the process.
    Memory,
    /// The call has asked something of which the answer comes by itself, and soon: run it again when the caller is woken. Nothing
    /// interrupts such a wait but the end of the process, which does not move meanwhile.
    Answer,
}

impl Stop {
    /// What stops a call that has moved `done` bytes: an error counts only when there are none, and want of memory when none comes.
    pub fn after(self, done: usize) -> Result<(), Self> {
        match self {
            Self::Errno(Errno::ENOMEM) if done > 0 => Err(Self::Short),
            Self::Errno(_) if done > 0 => Ok(()),
            stop => Err(stop),
        }
    }
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<BadAddress> for Stop {
    fn from(error: BadAddress) -> Self {
        Errno::from(error).into()
    }
}

impl From<SpaceError> for Stop {
    fn from(error: SpaceError) -> Self {
        Errno::from(error).into()
    }
}

impl From<UserError> for Stop {
    fn from(error: UserError) -> Self {
        match error {
            UserError::BadAddress => Errno::EFAULT.into(),
            UserError::NoMemory => Errno::ENOMEM.into(),
            UserError::Wait => Self::Memory,
            UserError::TooMany => Errno::EINVAL.into(),
            UserError::TooLong => Errno::ENAMETOOLONG.into(),
        }
    }
}

impl From<SourceError> for Stop {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::BeyondEnd => Errno::EFAULT.into(),
            SourceError::Full => Errno::ENOSPC.into(),
            SourceError::NoMemory => Errno::ENOMEM.into(),
            SourceError::Wait => Self::Memory,
            SourceError::Lost => Errno::EIO.into(),
        }
    }
}

impl From<Invalid> for Stop {
    fn from(Invalid: Invalid) -> Self {
        Self::Errno(Errno::EINVAL)
    }
}

impl From<StackError> for Stop {
    fn from(error: StackError) -> Self {
        Errno::from(error).into()
    }
}

impl From<NoMemory> for Stop {
    fn from(_: NoMemory) -> Self {
        Self::Errno(Errno::ENOMEM)
    }
}

/// The value for rax, or why there is none.
pub type SysResult = Result<usize, Stop>;
