//! Terminal settings (termios(3)), in the kernel's layout of `struct termios` (TCGETS, ioctl_tty(2)).

/// Bytes of the structure.
pub const TERMIOS_SIZE: usize = 36;

/// Settings of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Termios {
    /// Input modes.
    pub iflag: u32,
    /// Output modes.
    pub oflag: u32,
    /// Control modes: kept, without effect.
    pub cflag: u32,
    /// Local modes.
    pub lflag: u32,
    /// Line discipline number: kept, without effect.
    pub line: u8,
    /// Control characters; 0 is none.
    pub cc: [u8; 19],
}

#[expect(missing_docs, reason = "termios(3) describes each")]
impl Termios {
    pub const ISTRIP: u32 = 0o40;
    pub const INLCR: u32 = 0o100;
    pub const IGNCR: u32 = 0o200;
    pub const ICRNL: u32 = 0o400;
    pub const IXON: u32 = 0o2000;
    pub const IXANY: u32 = 0o4000;
    pub const IMAXBEL: u32 = 0o20000;
    pub const IUTF8: u32 = 0o40000;

    pub const OPOST: u32 = 0o1;
    pub const ONLCR: u32 = 0o4;
    pub const OCRNL: u32 = 0o10;
    pub const ONOCR: u32 = 0o20;
    pub const ONLRET: u32 = 0o40;

    pub const ISIG: u32 = 0o1;
    pub const ICANON: u32 = 0o2;
    pub const ECHO: u32 = 0o10;
    pub const ECHOE: u32 = 0o20;
    pub const ECHOK: u32 = 0o40;
    pub const ECHONL: u32 = 0o100;
    pub const NOFLSH: u32 = 0o200;
    pub const TOSTOP: u32 = 0o400;
    pub const ECHOCTL: u32 = 0o1000;
    pub const ECHOKE: u32 = 0o4000;
    pub const IEXTEN: u32 = 0o100_000;

    pub const VINTR: usize = 0;
    pub const VQUIT: usize = 1;
    pub const VERASE: usize = 2;
    pub const VKILL: usize = 3;
    pub const VEOF: usize = 4;
    pub const VTIME: usize = 5;
    pub const VMIN: usize = 6;
    pub const VSTART: usize = 8;
    pub const VSTOP: usize = 9;
    pub const VSUSP: usize = 10;
    pub const VEOL: usize = 11;
    pub const VREPRINT: usize = 12;
    pub const VWERASE: usize = 14;
    pub const VLNEXT: usize = 15;
    pub const VEOL2: usize = 16;
}

impl Termios {
    /// What Linux gives a new terminal: B38400, CS8, CREAD; echo, editing and signals on.
    pub const fn new() -> Self {
        Self {
            iflag: Self::ICRNL | Self::IXON,
            oflag: Self::OPOST | Self::ONLCR,
            cflag: 0o277,
            lflag: Self::ISIG
                | Self::ICANON
                | Self::ECHO
                | Self::ECHOE
                | Self::ECHOK
                | Self::ECHOCTL
                | Self::ECHOKE
                | Self::IEXTEN,
            line: 0,
            cc: [
                3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0,
            ],
        }
    }

    /// The structure's bytes.
    pub fn to_bytes(&self) -> [u8; TERMIOS_SIZE] {
        let mut bytes = [0; TERMIOS_SIZE];
        let words = [self.iflag, self.oflag, self.cflag, self.lflag];
        for (to, word) in bytes.chunks_exact_mut(4).zip(words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        bytes[16] = self.line;
        bytes[17..].copy_from_slice(&self.cc);
        bytes
    }

    /// The settings that these bytes describe; any bytes do.
    pub fn from_bytes(bytes: &[u8; TERMIOS_SIZE]) -> Self {
        let word = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let mut cc = [0; 19];
        cc.copy_from_slice(&bytes[17..]);
        Self {
            iflag: word(0),
            oflag: word(4),
            cflag: word(8),
            lflag: word(12),
            line: bytes[16],
            cc,
        }
    }

    /// Whether all these bits of the local modes are set.
    pub(super) fn local(&self, bits: u32) -> bool {
        self.lflag & bits == bits
    }

    /// Whether all these bits of the input modes are set.
    pub(super) fn input(&self, bits: u32) -> bool {
        self.iflag & bits == bits
    }

    /// Whether `byte` is this control character.
    pub(super) fn is(&self, byte: u8, control: usize) -> bool {
        byte != 0 && self.cc[control] == byte
    }
}

impl Default for Termios {
    fn default() -> Self {
        Self::new()
    }
}
