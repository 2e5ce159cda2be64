//! Trap entry and exit: the only code between a program and the kernel's Rust functions.
//!
//! From a program, the registers go straight into its [`UserRegs`](super::regs::UserRegs): the processor pushes the
//! first five words there because RSP0 points at its end, the stub pushes the rest, and then takes the core's own
//! stack. After the handler the stub asks the scheduler whose registers to load. From the kernel (the idle loop, a
//! fault in a user copy, a bug) the same words are pushed on the stack in use and popped again.

use super::cpu::{RSP0, SCRATCH, STACK_TOP};
use super::descriptors::{KERNEL_CS, SYSRET_BASE};
use super::msr;
use super::regs::{SYSCALL, USER_CS, USER_SS, UserRegs};
use core::arch::global_asm;
use core::mem::offset_of;
use core::sync::atomic::AtomicU32;

/// RFLAGS bits that a system call clears: all that a program can set, IF, and IOPL. Without TF no debug exception is due in
/// the kernel (K38).
const FMASK: u64 = 0x0025_7fd5;

/// The page below the non-canonical hole, which no program can map.
const NOWHERE: u64 = 0x7fff_ffff_f000;

// Every stub takes 16 bytes: push of an error code where the processor pushes none, push of the vector, jump.
global_asm!(
    ".balign 16",
    ".global braid_stubs",
    "braid_stubs:",
    ".set vector, 0",
    ".rept 256",
    ".balign 16",
    ".if (vector != 8) && ((vector < 10) || (vector > 14)) && (vector != 17) && (vector != 21) && (vector != 29) && (vector != 30)",
    "push 0",
    ".endif",
    // push imm32
    ".byte 0x68",
    ".long vector",
    ".if vector == 2",
    "jmp braid_nmi",
    ".elseif (vector == 8) || (vector == 18)",
    "jmp braid_paranoid",
    ".else",
    "jmp braid_trap",
    ".endif",
    ".set vector, vector + 1",
    ".endr",
    ".macro push_general",
    "push rdi",
    "push rsi",
    "push rdx",
    "push rcx",
    "push rax",
    "push r8",
    "push r9",
    "push r10",
    "push r11",
    "push rbx",
    "push rbp",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    ".endm",
    ".macro pop_general",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbp",
    "pop rbx",
    "pop r11",
    "pop r10",
    "pop r9",
    "pop r8",
    "pop rax",
    "pop rcx",
    "pop rdx",
    "pop rsi",
    "pop rdi",
    ".endm",
    // Stack: vector, error code, rip, cs, rflags, rsp, ss.
    "braid_trap:",
    "test byte ptr [rsp + 24], 3",
    "jz 2f",
    "swapgs",
    "push_general",
    "cld",
    "mov rdi, rsp",
    "mov rsp, gs:[{stack_top}]",
    "xor ebp, ebp",
    "call {user_trap}",
    "jmp braid_resume",
    "2:",
    "push_general",
    "cld",
    "mov rdi, rsp",
    // A frame for the backtrace: the interrupted rip above the interrupted rbp.
    "push qword ptr [rsp + 136]",
    "push rbp",
    "mov rbp, rsp",
    "call {kernel_trap}",
    "add rsp, 16",
    "pop_general",
    "add rsp, 16",
    "iretq",
    // On a stack of its own, whatever GS holds: the handler does not use it, and changes nothing that is interrupted.
    "braid_nmi:",
    "push_general",
    "cld",
    "mov rdi, rsp",
    "mov rbp, rsp",
    "call {non_maskable}",
    "pop_general",
    "add rsp, 16",
    "iretq",
    // On a stack of its own, whatever GS holds; there is no way back.
    "braid_paranoid:",
    "push_general",
    "cld",
    "mov rdi, rsp",
    "mov rbp, rsp",
    "call {paranoid_trap}",
    "ud2",
    ".global braid_syscall",
    ".balign 16",
    "braid_syscall:",
    "swapgs",
    "mov gs:[{scratch}], rsp",
    "mov rsp, gs:[{rsp0}]",
    "push {user_ss}",
    "push qword ptr gs:[{scratch}]",
    "push r11",
    "push {user_cs}",
    "push rcx",
    "push rax",
    "push {syscall_vector}",
    "push rdi",
    "push rsi",
    "push rdx",
    "push rcx",
    "push rax",
    "push r8",
    "push r9",
    "push r10",
    "push r11",
    // A call that only looks something up: what Rust functions preserve is not even saved. The program cannot have
    // called from the last canonical page, so SYSRET is safe.
    "cmp rax, {quick_limit}",
    "jae 2f",
    "mov rcx, [{quick} + rax * 8]",
    "test rcx, rcx",
    "jz 2f",
    "mov rsp, gs:[{stack_top}]",
    "call rcx",
    "mov rsp, gs:[{rsp0}]",
    "mov rdi, [rsp + {rdi} - {size}]",
    "mov rsi, [rsp + {rsi} - {size}]",
    "mov rdx, [rsp + {rdx} - {size}]",
    "mov r8, [rsp + {r8} - {size}]",
    "mov r9, [rsp + {r9} - {size}]",
    "mov r10, [rsp + {r10} - {size}]",
    "mov rcx, [rsp + {rip} - {size}]",
    "mov r11, [rsp + {rflags} - {size}]",
    "mov rsp, [rsp + {rsp} - {size}]",
    "swapgs",
    "sysretq",
    "2:",
    "push rbx",
    "push rbp",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "mov rsp, gs:[{stack_top}]",
    "xor ebp, ebp",
    "call {syscall}",
    "braid_resume:",
    "call {next_thread}",
    // rax: the registers to load. With rcx = rip, r11 = rflags and a user rip, SYSRET restores the same as IRET
    // (and cannot fault in the kernel, as it does for a non-canonical rip). It would not restore RF and TF rightly.
    "braid_load:",
    "lea rcx, [rax + {size}]",
    "mov gs:[{rsp0}], rcx",
    "mov rsp, rax",
    "mov rcx, [rsp + {rcx}]",
    "mov r11, [rsp + {r11}]",
    "cmp rcx, [rsp + {rip}]",
    "jne 3f",
    "cmp r11, [rsp + {rflags}]",
    "jne 3f",
    "mov rax, rcx",
    "shr rax, 47",
    "jnz 3f",
    "test r11d, 0x10100",
    "jnz 3f",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbp",
    "pop rbx",
    "add rsp, 8",
    "pop r10",
    "pop r9",
    "pop r8",
    "pop rax",
    "add rsp, 8",
    "pop rdx",
    "pop rsi",
    "pop rdi",
    "mov rsp, [rsp + {rsp_after_rdi}]",
    "swapgs",
    "sysretq",
    // IRET to a non-canonical address would fault in the kernel: such a program goes on at an address that it may
    // not execute, and faults there itself.
    "3:",
    "mov rax, [rsp + {rip}]",
    "shr rax, 47",
    "jz 4f",
    "mov rax, {nowhere}",
    "mov [rsp + {rip}], rax",
    "4:",
    "pop_general",
    "add rsp, 16",
    "swapgs",
    "iretq",
    ".global braid_enter",
    "braid_enter:",
    "mov rsp, gs:[{stack_top}]",
    "mov [rdi], esi",
    "xor ebp, ebp",
    "jmp braid_resume",
    stack_top = const STACK_TOP,
    scratch = const SCRATCH,
    rsp0 = const RSP0,
    user_ss = const USER_SS,
    user_cs = const USER_CS,
    syscall_vector = const SYSCALL,
    size = const size_of::<UserRegs>(),
    quick = sym super::above::above_quick,
    quick_limit = const super::above::QUICK_LIMIT,
    rdi = const offset_of!(UserRegs, rdi),
    rsi = const offset_of!(UserRegs, rsi),
    rdx = const offset_of!(UserRegs, rdx),
    r8 = const offset_of!(UserRegs, r8),
    r9 = const offset_of!(UserRegs, r9),
    r10 = const offset_of!(UserRegs, r10),
    rsp = const offset_of!(UserRegs, rsp),
    rcx = const offset_of!(UserRegs, rcx),
    r11 = const offset_of!(UserRegs, r11),
    rip = const offset_of!(UserRegs, rip),
    rflags = const offset_of!(UserRegs, rflags),
    rsp_after_rdi = const offset_of!(UserRegs, rsp) - offset_of!(UserRegs, vector),
    nowhere = const NOWHERE,
    user_trap = sym super::trap::user_trap,
    kernel_trap = sym super::trap::kernel_trap,
    non_maskable = sym super::trap::non_maskable,
    paranoid_trap = sym super::trap::paranoid_trap,
    syscall = sym super::trap::syscall,
    next_thread = sym super::trap::next_thread,
);

unsafe extern "C" {
    static braid_stubs: u8;
    fn braid_syscall();
    fn braid_enter(left: *const AtomicU32, value: u32) -> !;
}

/// The address of a vector's stub.
pub(super) fn stub_address(vector: usize) -> u64 {
    ((&raw const braid_stubs).addr() + vector * 16) as u64
}

/// Lets programs call this core's kernel.
pub(super) fn enable_system_calls() {
    let star = u64::from(SYSRET_BASE | 3) << 48 | u64::from(KERNEL_CS.0) << 32;
    let entry = braid_syscall as *const () as u64;
    // SAFETY: K2 and K5, the entry code expects these selectors and cleared flags. No program runs 32-bit code (K37); a
    // processor that took SYSCALL from it would come to the same entry, which does not use the program's stack. SYSENTER
    // with a null code segment is a general protection fault.
    unsafe {
        msr::write(msr::STAR, star);
        msr::write(msr::LSTAR, entry);
        msr::write(msr::CSTAR, entry);
        msr::write(msr::FMASK, FMASK);
        msr::write(msr::SYSENTER_CS, 0);
        msr::write(msr::SYSENTER_ESP, 0);
        msr::write(msr::SYSENTER_EIP, 0);
    }
}

/// Leaves boot behind: this core takes its own stack, stores `value` to `left` once it is off the old one, and runs
/// what the scheduler gives it, for ever.
pub fn enter_user(left: &AtomicU32, value: u32) -> ! {
    // SAFETY: K5, the core's block is installed; the stack is started afresh.
    unsafe { braid_enter(left, value) }
}
