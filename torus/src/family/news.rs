//! What families tell each other: how processes ended, stopped and went on, and signals.

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

/// Processes that a signal is for, on every torus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Crowd {
    /// The members of this group; none: everybody but the first process and the sender.
    pub group: Option<Pid>,
    /// Only those in this session.
    pub session: Option<Pid>,
}
