//! What a system call sees of its caller, and how it answers.

use super::errno::Errno;
use crate::process::{Current, Process};
use alloc::sync::Arc;
use braid_threads::interruption::Interruption;
use braid_time::{Invalid, Nanos};
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

impl From<NoMemory> for Stop {
    fn from(_: NoMemory) -> Self {
        Self::Errno(Errno::ENOMEM)
    }
}

/// The value for rax, or why there is none.
pub type SysResult = Result<usize, Stop>;

/// What the last run of a call waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Something that signals interrupt as the table of calls says.
    Call(Interruption),
    /// Memory ([`Stop::Memory`]).
    Memory,
    /// An answer ([`Stop::Answer`]).
    Answer,
}

/// What is written of the time that is left of a call's wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeLeft {
    /// Nothing.
    Untold,
    /// A struct timespec at this address, when a handler ends the wait.
    Interrupted(usize),
    /// A struct timespec at this address, however the wait ends.
    Timespec(usize),
    /// A struct timeval at this address, however the wait ends.
    Timeval(usize),
}

/// What a call that has to wait remembers between its runs; cleared when the call ends.
#[derive(Clone, Copy, Debug)]
pub struct InFlight {
    /// Bytes already moved: a later run goes on from here, and an interruption returns them.
    pub done: usize,
    /// When the call gives up waiting; the thread is woken no later than this.
    pub deadline: Option<Nanos>,
    /// The deadline has been read.
    pub is_timed: bool,
    /// How often the call has blocked already; 0 on its first run.
    pub runs: u32,
    /// A word for the call's own use (0 on its first run).
    pub word: u64,
    /// Where the time that is left is written.
    pub left: TimeLeft,
    /// What the last run waits for.
    pub wait: Wait,
}

impl InFlight {
    /// A call that runs for the first time.
    pub const fn new() -> Self {
        Self {
            done: 0,
            deadline: None,
            is_timed: false,
            runs: 0,
            word: 0,
            left: TimeLeft::Untold,
            wait: Wait::Call(Interruption::Never),
        }
    }

    /// An internal call of the kernel's, to which `word` says something. Its process stays where it is until it has run.
    pub const fn internal(word: u64) -> Self {
        Self {
            runs: 1,
            word,
            wait: Wait::Answer,
            ..Self::new()
        }
    }

    /// What signals do now.
    pub const fn interruption(&self) -> Interruption {
        match self.wait {
            Wait::Call(interruption) => interruption,
            Wait::Memory | Wait::Answer => Interruption::Never,
        }
    }

    /// Whether the call's deadline has passed.
    pub fn is_over(&self) -> bool {
        self.deadline.is_some_and(|at| machine::time::now() >= at)
    }
}

/// One run of a system call.
pub struct Call<'a> {
    /// The calling process.
    pub process: &'a Arc<Process>,
    /// The calling thread.
    pub thread: &'a Current,
    /// rdi, rsi, rdx, r10, r8, r9.
    pub args: [u64; 6],
    /// What earlier runs of the same call left.
    pub inflight: &'a mut InFlight,
}

impl Call<'_> {
    /// Argument `index` as a signed 32-bit number: descriptors, pids, signals and flags of type `int`.
    pub fn int(&self, index: usize) -> i32 {
        self.args[index] as i32
    }

    /// Has the call give up when `read` says, which is asked once, however often the call runs.
    pub fn set_deadline(
        &mut self,
        read: impl FnOnce(&Self) -> Result<Option<Nanos>, Stop>,
    ) -> Result<(), Stop> {
        if !self.inflight.is_timed {
            self.inflight.deadline = read(self)?;
            self.inflight.is_timed = true;
        }
        Ok(())
    }

    /// Argument `index` as a length or an address.
    pub fn size(&self, index: usize) -> usize {
        self.args[index] as usize
    }
}
