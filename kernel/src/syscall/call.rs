//! What a system call sees of its caller, and how it answers.

use super::errno::Errno;
use crate::process::{Process, Thread};
use crate::sched::time::Nanos;
use alloc::sync::Arc;
use fallible::NoMemory;

/// Why a call did not produce a value. What ends with an error has changed nothing: where memory was short it is run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The call ends with this error.
    Errno(Errno),
    /// The caller has enrolled on wait queues (or set a deadline): run the call again from its start when woken.
    Block,
    /// The call has done a piece of its work: run it again from its start after what else there is to do.
    Again,
    /// A page or a frame that the call needs is not there yet: run the call again when the caller is woken, as if this
    /// run had not been. Nothing interrupts such a wait but the end of the process.
    Memory,
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<NoMemory> for Stop {
    fn from(_: NoMemory) -> Self {
        Self::Errno(Errno::ENOMEM)
    }
}

/// The value for rax, or why there is none.
pub type SysResult = Result<usize, Stop>;

/// What a call that has to wait remembers between its runs; cleared when the call ends.
#[derive(Clone, Copy, Debug, Default)]
pub struct InFlight {
    /// Bytes already moved: a later run goes on from here, and an interruption returns them.
    pub done: usize,
    /// When the call gives up waiting. Set by the call on its first run; the thread is woken no later than this.
    pub deadline: Option<Nanos>,
    /// How often the call has blocked already; 0 on its first run.
    pub runs: u32,
    /// A word for the call's own use (0 on its first run).
    pub word: u64,
    /// Where a sleep writes what is left of it when a handler interrupts it; 0: nowhere.
    pub remainder: usize,
    /// Only SIGKILL ends the wait (vfork).
    pub uninterruptible: bool,
    /// The last run ended with [`Stop::Memory`].
    pub for_memory: bool,
}

/// One run of a system call.
pub struct Call<'a> {
    /// The calling process.
    pub process: &'a Arc<Process>,
    /// The calling thread.
    pub thread: &'a Arc<Thread>,
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

    /// Argument `index` as a length or an address.
    pub fn size(&self, index: usize) -> usize {
        self.args[index] as usize
    }
}
