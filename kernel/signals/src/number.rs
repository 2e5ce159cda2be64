//! Signal numbers and sets.

/// From it on, equal signals queue up.
const FIRST_REAL_TIME: u8 = 32;
/// Signals that no mask holds back.
pub const UNMASKABLE: u64 = Signal::KILL.bit() | Signal::STOP.bit();
/// Signals that stop a process, unless it has arranged something else.
pub const STOPS: u64 =
    Signal::STOP.bit() | Signal::TSTP.bit() | Signal::TTIN.bit() | Signal::TTOU.bit();
/// Signals that instructions cause: they come before others.
pub(crate) const SYNCHRONOUS: u64 = Signal::SEGV.bit()
    | Signal::BUS.bit()
    | Signal::ILL.bit()
    | Signal::TRAP.bit()
    | Signal::FPE.bit()
    | Signal::SYS.bit();

/// A signal number, 1 to 64 (signal(7), x86-64 numbers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signal(u8);

#[expect(missing_docs, reason = "the names of signal(7)")]
impl Signal {
    pub const HUP: Self = Self(1);
    pub const INT: Self = Self(2);
    pub const QUIT: Self = Self(3);
    pub const ILL: Self = Self(4);
    pub const TRAP: Self = Self(5);
    pub const ABRT: Self = Self(6);
    pub const BUS: Self = Self(7);
    pub const FPE: Self = Self(8);
    pub const KILL: Self = Self(9);
    pub const USR1: Self = Self(10);
    pub const SEGV: Self = Self(11);
    pub const USR2: Self = Self(12);
    pub const PIPE: Self = Self(13);
    pub const ALRM: Self = Self(14);
    pub const TERM: Self = Self(15);
    pub const CHLD: Self = Self(17);
    pub const CONT: Self = Self(18);
    pub const STOP: Self = Self(19);
    pub const TSTP: Self = Self(20);
    pub const TTIN: Self = Self(21);
    pub const TTOU: Self = Self(22);
    pub const URG: Self = Self(23);
    pub const XCPU: Self = Self(24);
    pub const XFSZ: Self = Self(25);
    pub const VTALRM: Self = Self(26);
    pub const PROF: Self = Self(27);
    pub const WINCH: Self = Self(28);
    pub const IO: Self = Self(29);
    pub const SYS: Self = Self(31);
}

impl Signal {
    /// The signal of this number, if there is one.
    pub const fn new(number: i32) -> Option<Self> {
        if number >= 1 && number <= 64 {
            Some(Self(number as u8))
        } else {
            None
        }
    }

    /// Its number.
    pub const fn number(self) -> i32 {
        self.0 as i32
    }

    /// Its bit in a signal set.
    pub const fn bit(self) -> u64 {
        1 << (self.0 - 1)
    }

    /// Whether equal signals queue up.
    pub const fn is_real_time(self) -> bool {
        self.0 >= FIRST_REAL_TIME
    }

    /// The waiting signals that sending it takes back: SIGCONT those that stop a process, and each of these SIGCONT.
    pub const fn takes_back(self) -> u64 {
        if self.0 == Self::CONT.0 {
            STOPS
        } else if self.bit() & STOPS != 0 {
            Self::CONT.bit()
        } else {
            0
        }
    }

    /// Whether a stopped process goes on when it is sent, blocked or not.
    pub const fn resumes(self) -> bool {
        matches!(self, Self::CONT | Self::KILL)
    }
}
