//! The registers of a thread while it is not running.

use x86_64::PrivilegeLevel;
use x86_64::registers::rflags::RFlags;
use x86_64::structures::gdt::SegmentSelector;

/// What a user program sees as its registers, in the order in which trap entry pushes them.
///
/// The processor itself pushes the last five words: the task state segment's RSP0 points at the *end* of the current
/// thread's `UserRegs`, so that a trap saves the thread where it lives and nothing is copied (K5).
#[repr(C, align(16))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the registers' names")]
pub struct UserRegs {
    pub r15: u64,
    pub r14: u64,
    pub r13: u64,
    pub r12: u64,
    pub rbp: u64,
    pub rbx: u64,
    pub r11: u64,
    pub r10: u64,
    pub r9: u64,
    pub r8: u64,
    pub rax: u64,
    pub rcx: u64,
    pub rdx: u64,
    pub rsi: u64,
    pub rdi: u64,
    /// Which vector interrupted the thread; [`SYSCALL`] for a system call.
    pub vector: u64,
    /// The exception's error code; for a system call its number, which rax no longer holds once there is a result.
    pub code: u64,
    pub rip: u64,
    pub cs: u64,
    pub rflags: u64,
    pub rsp: u64,
    pub ss: u64,
}

/// The registers of interrupted kernel code; the same words as a program's.
pub type KernelRegs = UserRegs;

/// How many they are.
const WORDS: usize = 22;

/// The `vector` of a thread that made a system call.
pub const SYSCALL: u64 = 256;

/// Selector of 64-bit user code, with requested privilege level 3; the same number as on Linux.
pub const USER_CS: u64 = SegmentSelector::new(6, PrivilegeLevel::Ring3).0 as u64;
/// Selector of user data, with requested privilege level 3.
pub const USER_SS: u64 = SegmentSelector::new(5, PrivilegeLevel::Ring3).0 as u64;
/// RFLAGS bits that a program may set: status flags, TF, DF, NT, RF, AC, ID.
const USER_FLAGS: u64 = 0x0025_4dd5;
/// Those of them that a signal frame brings back; NT and ID stay as they are (Linux's FIX_EFLAGS).
const FRAME_FLAGS: u64 = 0x0005_0dd5;
/// The trap flag: a debug exception follows the next instruction.
pub const TRAP_FLAG: u64 = RFlags::TRAP_FLAG.bits();
/// What a handler starts without: DF, RF, TF.
const HANDLER_CLEARS: u64 = RFlags::DIRECTION_FLAG
    .union(RFlags::RESUME_FLAG)
    .union(RFlags::TRAP_FLAG)
    .bits();
/// RFLAGS of a new program: interrupts on, and the bit that is always 1.
pub const INITIAL_FLAGS: u64 = 0x202;

impl UserRegs {
    /// A thread that starts at `rip` with stack pointer `rsp`; every other register is zero.
    pub fn start(rip: u64, rsp: u64) -> Self {
        Self {
            rip,
            rsp,
            cs: USER_CS,
            ss: USER_SS,
            rflags: INITIAL_FLAGS,
            ..Self::default()
        }
    }

    /// All of them, in order.
    pub const fn words(&self) -> [u64; WORDS] {
        // SAFETY: K1, so many words and nothing else.
        unsafe { core::mem::transmute(*self) }
    }

    /// Of these words.
    pub const fn from_words(words: [u64; WORDS]) -> Self {
        // SAFETY: K1, as above.
        unsafe { core::mem::transmute(words) }
    }

    /// Points the registers at a signal handler: 64-bit code with clean flags, whatever was interrupted.
    pub fn enter_handler(&mut self, rip: u64, rsp: u64) {
        self.rip = rip;
        self.rsp = rsp;
        self.rflags &= !HANDLER_CLEARS;
        self.sanitize();
    }

    /// Takes the flags of a signal frame.
    pub fn take_flags(&mut self, flags: u64) {
        self.rflags = (self.rflags & !FRAME_FLAGS) | (flags & FRAME_FLAGS);
    }

    /// Makes registers that come from memory safe to load: user selectors, interrupts on, no privileged flag. The
    /// instruction pointer may be anything: the way out replaces what is not the user's.
    pub fn sanitize(&mut self) {
        self.cs = USER_CS;
        self.ss = USER_SS;
        self.rflags = (self.rflags & USER_FLAGS) | INITIAL_FLAGS;
    }
}
