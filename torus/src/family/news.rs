//! What families tell each other: how processes ended, stopped and went on, and signals.

use super::By;
use crate::pid::Pid;

/// How a process ended and what it used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ended {
    /// Its Linux wait status (wait(2)).
    pub status: u32,
    /// Its time in user mode with that of the children it collected, in nanoseconds.
    pub user_time: u64,
    /// The same in the kernel.
    pub system_time: u64,
    /// Its real user.
    pub uid: u32,
}

/// A change of state that a parent may wait for besides the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Report {
    /// Stopped by this signal.
    Stopped(u32),
    /// Continued.
    Continued,
}

impl Report {
    const CONTINUED: u32 = 0xffff;
    const STOPPED: u32 = 0x7f;

    /// Its Linux wait status (wait(2)).
    pub const fn status(self) -> u32 {
        match self {
            Self::Stopped(signal) => signal << 8 | Self::STOPPED,
            Self::Continued => Self::CONTINUED,
        }
    }

    /// The report of a wait status; `None` for that of an end.
    pub const fn from_status(status: u32) -> Option<Self> {
        match status {
            Self::CONTINUED => Some(Self::Continued),
            _ if status & 0xff == Self::STOPPED => Some(Self::Stopped(status >> 8)),
            _ => None,
        }
    }
}

/// What happened to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum News {
    /// It ended.
    Ended(Ended),
    /// It stopped or went on.
    Changed {
        /// Which of the two.
        report: Report,
        /// Its real user.
        uid: u32,
    },
}

/// A signal with what its handler is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sent {
    /// Its number; 0 asks only whether there is somebody to send it to.
    pub signal: u32,
    /// Why it was sent (`SI_USER`, `SI_TKILL`, `SI_KERNEL`).
    pub code: i32,
    /// The process that sends it; none: the kernel.
    pub from: Option<Pid>,
    /// The real user of that process.
    pub uid: u32,
    /// Its effective user.
    pub euid: u32,
    /// Its session, in which SIGCONT may be sent to everybody; none: that does not matter.
    pub session: Option<Pid>,
}

impl Sent {
    /// What a handler is told of its sender, unless he says something else.
    pub fn carried(&self) -> Carried {
        let pid = self.from.map_or(0, |from| from.raw().cast_unsigned());
        Carried {
            sender: u64::from(pid) | u64::from(self.uid) << 32,
            value: 0,
        }
    }
}

/// What goes with a signal besides its code, as in siginfo_t.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Carried {
    /// si_pid, and si_uid above it.
    pub sender: u64,
    /// si_value.
    pub value: u64,
}

/// What became of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Struck {
    /// The process has it, or ignores it.
    Given,
    /// It had been stopped, and goes on now.
    Continued,
    /// Too many wait already for another one to be kept with what goes with it.
    Full,
}

/// Processes on every torus that are told something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Crowd {
    /// The processes that belong to it.
    pub members: Members,
    /// Only those in this session.
    pub session: Option<Pid>,
}

/// The processes of a crowd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Members {
    /// Everybody but the first process and the sender.
    Others,
    /// The members of a process group.
    Group(Pid),
    /// The processes of a real user.
    User(u32),
}

/// What a crowd is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// A signal.
    Signal(Sent),
    /// [`Order::Nice`](super::Order::Nice).
    Nice {
        /// The process that says so.
        by: By,
        /// The nice value that they get, if it changes.
        new: Option<i32>,
    },
    /// Nothing: the tori are asked for those who have heard late what was told by this number.
    Late {
        /// What the sender's torus told.
        number: u64,
    },
}
