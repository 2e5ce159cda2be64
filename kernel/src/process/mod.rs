//! Processes and threads.

mod thread;

pub use thread::Thread;

use crate::sched::lock::Lock;

/// A process number. The number names the torus of its birth: `pid - 1` modulo the tori of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(pub i32);

/// A process: an address space, descriptors, and what the program may do.
pub struct Process {
    /// Its number.
    pub pid: Pid,
    /// What it is called in `ps` and in the log: the last part of the executable's path, at most 15 bytes.
    pub name: Lock<Name>,
}

/// A process's short name (prctl PR_GET_NAME).
#[derive(Clone, Copy, Debug, Default)]
pub struct Name(pub [u8; 16]);

/// Starts the first program.
pub fn start() {}
