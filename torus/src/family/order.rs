//! What a process asks of another one, or tells it: its limits, and how it is run. The order goes to where that process lives, which decides
//! whether the asker may, and answers.

use crate::pid::Pid;

/// The process that gives an order, as far as rules about that ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct By {
    /// The process.
    pub pid: Pid,
    /// Its real user.
    pub uid: u32,
    /// Its effective user.
    pub euid: u32,
    /// Its real group.
    pub gid: u32,
}

/// What a process is to tell or to change of itself. Each is answered with a number, as its call answers, or a negative error number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// prlimit(2): the answer carries what was before.
    Limit {
        /// The resource.
        resource: u32,
        /// The limit in force and the maximum that it gets, if it changes.
        new: Option<[u64; 2]>,
    },
    /// getpriority(2), setpriority(2).
    Nice {
        /// The nice value that it gets, if it changes.
        new: Option<i32>,
    },
    /// sched_getscheduler(2).
    TellPolicy,
    /// sched_setscheduler(2), sched_setparam(2).
    SetPolicy {
        /// The policy; none: the one that it has.
        policy: Option<u32>,
        /// The priority.
        priority: i32,
    },
    /// sched_getaffinity(2): the answer is the number of cores of its torus.
    TellCores,
    /// sched_setaffinity(2).
    SetCores {
        /// The first 64 cores of its torus.
        mask: u64,
    },
}

/// What became of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Answer {
    /// What was asked for, 0, or a negative error number.
    pub result: i32,
    /// The limit that was before, of an order about one.
    pub limit: [u64; 2],
}

impl From<i32> for Answer {
    fn from(result: i32) -> Self {
        Self {
            result,
            limit: [0; 2],
        }
    }
}
