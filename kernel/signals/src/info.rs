//! What a handler is told about its signal (siginfo_t).

use super::Signal;

/// Sent by kill(2).
pub const SI_USER: i32 = 0;
/// Sent by the kernel.
pub const SI_KERNEL: i32 = 0x80;
/// Sent by tkill(2) or tgkill(2).
pub const SI_TKILL: i32 = -6;
/// SIGSEGV: nothing is mapped there.
pub const SEGV_MAPERR: i32 = 1;
/// SIGSEGV: the mapping forbids the access.
pub const SEGV_ACCERR: i32 = 2;
/// SIGBUS: the page lies beyond the end of the mapped object.
pub const BUS_ADRERR: i32 = 2;
/// SIGBUS: a misaligned address, where the program has asked for alignment checks.
pub const BUS_ADRALN: i32 = 1;
/// SIGFPE: integer division by zero.
pub const FPE_INTDIV: i32 = 1;
/// SIGFPE: floating-point division by zero.
pub const FPE_FLTDIV: i32 = 3;
/// SIGFPE: overflow.
pub const FPE_FLTOVF: i32 = 4;
/// SIGFPE: underflow, or a denormal operand.
pub const FPE_FLTUND: i32 = 5;
/// SIGFPE: an inexact result.
pub const FPE_FLTRES: i32 = 6;
/// SIGFPE: an invalid operation.
pub const FPE_FLTINV: i32 = 7;
/// SIGILL: illegal opcode.
pub const ILL_ILLOPN: i32 = 2;
/// SIGTRAP: INT1.
pub const TRAP_BRKPT: i32 = 1;
/// SIGTRAP: single step.
pub const TRAP_TRACE: i32 = 2;

/// A signal with what goes with it. The fields share their place as in siginfo_t.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigInfo {
    /// Which signal.
    pub signal: Signal,
    /// Why (`SI_*`, `SEGV_*`, `CLD_*`).
    pub code: i32,
    /// What the code calls for.
    pub fields: Fields,
}

/// The union of siginfo_t.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fields {
    /// Nothing.
    None,
    /// The sender (kill, tgkill, sigqueue).
    Sender {
        /// Its process.
        pid: i32,
        /// Its real user.
        uid: u32,
        /// What it has sent along (si_value).
        value: u64,
    },
    /// A fault's address.
    Fault {
        /// What was touched, or the instruction.
        address: u64,
    },
    /// A child's change of state (SIGCHLD).
    Child {
        /// Which child.
        pid: i32,
        /// Its real user.
        uid: u32,
        /// Exit code or signal.
        status: i32,
    },
}

impl SigInfo {
    /// A signal of the kernel's own, without fields.
    pub const fn kernel(signal: Signal) -> Self {
        Self {
            signal,
            code: SI_KERNEL,
            fields: Fields::None,
        }
    }

    /// A signal sent by a process.
    pub const fn from_process(signal: Signal, code: i32, pid: i32, uid: u32) -> Self {
        Self {
            signal,
            code,
            fields: Fields::Sender { pid, uid, value: 0 },
        }
    }

    /// A signal about an access or an instruction.
    pub const fn fault(signal: Signal, code: i32, address: u64) -> Self {
        Self {
            signal,
            code,
            fields: Fields::Fault { address },
        }
    }

    /// siginfo_t as x86-64 lays it out.
    pub fn bytes(&self) -> [u8; 128] {
        let mut bytes = [0; 128];
        let mut put =
            |at: usize, value: u32| bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        put(0, self.signal.number() as u32);
        put(8, self.code as u32);
        match self.fields {
            Fields::None => {}
            Fields::Sender { pid, uid, value } => {
                put(16, pid as u32);
                put(20, uid);
                put(24, value as u32);
                put(28, (value >> 32) as u32);
            }
            Fields::Fault { address } => {
                put(16, address as u32);
                put(20, (address >> 32) as u32);
            }
            Fields::Child { pid, uid, status } => {
                put(16, pid as u32);
                put(20, uid);
                put(24, status as u32);
            }
        }
        bytes
    }
}
