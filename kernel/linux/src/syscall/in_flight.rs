//! What a system call that waits keeps between its runs.

use braid_threads::interruption::Interruption;
use braid_time::Nanos;

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
