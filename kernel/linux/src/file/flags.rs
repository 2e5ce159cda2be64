//! Flags of open files.

use bitflags::bitflags;

bitflags! {
    /// Flags of open(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Flags: u32 {
        const RDONLY = 0;
        const WRONLY = 0o1;
        const RDWR = 0o2;
        const CREAT = 0o100;
        const EXCL = 0o200;
        const NOCTTY = 0o400;
        const TRUNC = 0o1000;
        const APPEND = 0o2000;
        const NONBLOCK = 0o4000;
        const DSYNC = 0o10000;
        const DIRECT = 0o40000;
        const LARGEFILE = 0o100_000;
        const DIRECTORY = 0o200_000;
        const NOFOLLOW = 0o400_000;
        const NOATIME = 0o1_000_000;
        const CLOEXEC = 0o2_000_000;
        const PATH = 0o10_000_000;
        const TMPFILE = 0o20_000_000;
    }
}

impl Flags {
    /// What fcntl F_SETFL may change.
    pub const CHANGEABLE: Self = Self::APPEND
        .union(Self::NONBLOCK)
        .union(Self::DIRECT)
        .union(Self::NOATIME);

    /// Whether a file opened so can be read.
    pub fn reads(self) -> bool {
        self.bits() & 3 != 1 && !self.contains(Self::PATH)
    }

    /// Whether a file opened so can be written.
    pub fn writes(self) -> bool {
        matches!(self.bits() & 3, 1 | 2) && !self.contains(Self::PATH)
    }
}
