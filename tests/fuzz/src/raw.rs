//! What no library offers: calls with any number, touches that may fault, strange flags, random code.

use core::arch::asm;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Makes any system call: its answer, an error as its negated number.
pub(crate) fn call(number: u64, arguments: [u64; 6]) -> i64 {
    let [a, b, c, d, e, f] = arguments;
    let answer;
    // SAFETY: F1, whatever the call does to this process, at worst it ends.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => answer,
            in("rdi") a,
            in("rsi") b,
            in("rdx") c,
            in("r10") d,
            in("r8") e,
            in("r9") f,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    answer
}

/// Instructions that may fault, and where the program goes on then; written once, before the handlers are set.
static FAULTING: AtomicU64 = AtomicU64::new(0);
static AFTER: AtomicU64 = AtomicU64::new(0);

/// Reads, or writes a byte, wherever that is.
#[inline(never)]
pub(crate) fn touch(address: u64, write: bool) {
    // SAFETY: F1; F2, the handler goes on behind the access when it faults.
    unsafe {
        asm!(
            "lea {tmp}, [rip + 2f]",
            "mov [{faulting}], {tmp}",
            "lea {tmp}, [rip + 3f]",
            "mov [{after}], {tmp}",
            "mov al, 1",
            "test {write:e}, {write:e}",
            "jz 4f",
            "lea {tmp}, [rip + 5f]",
            "mov [{faulting}], {tmp}",
            "5: mov [{address}], al",
            "jmp 3f",
            "4:",
            "2: mov al, [{address}]",
            "3:",
            tmp = out(reg) _,
            faulting = in(reg) FAULTING.as_ptr(),
            after = in(reg) AFTER.as_ptr(),
            write = in(reg) u32::from(write),
            address = in(reg) address,
            out("al") _,
        );
    }
}

/// A handler of faults: a touch that faulted is left behind, and anything else that faults ends the victim.
extern "C" fn on_fault(_: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: F2, the kernel's frame.
    if unsafe { (*info).si_code } <= 0 {
        // Sent by a process, the victim itself.
        return;
    }
    let context = context.cast::<libc::ucontext_t>();
    // SAFETY: F2, the kernel's frame of the fault.
    let rip = unsafe { &mut (*context).uc_mcontext.gregs[libc::REG_RIP as usize] };
    if rip.cast_unsigned() != FAULTING.load(Relaxed) {
        end(1);
    }
    *rip = AFTER.load(Relaxed).cast_signed();
}

/// Has faults handled as [`touch`] needs, on a stack of their own.
pub(crate) fn survive_faults(stack: &'static mut [u8]) {
    let alternate = libc::stack_t {
        ss_sp: stack.as_mut_ptr().cast(),
        ss_flags: 0,
        ss_size: stack.len(),
    };
    // SAFETY: F2, the stack lives as long as the process.
    unsafe { libc::sigaltstack(&raw const alternate, ptr::null_mut()) };
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        handle(signal, on_fault, libc::SA_ONSTACK | libc::SA_NODEFER);
    }
}

/// Handles a signal.
pub(crate) fn handle(
    signal: i32,
    handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void),
    flags: i32,
) {
    // SAFETY: F2, an action of zeros is a valid one.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as *const () as usize;
    action.sa_flags = flags | libc::SA_SIGINFO;
    // SAFETY: F2.
    unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
}

/// A call made with these flags of the processor set, as far as a program may set them.
pub(crate) fn with_flags(flags: u64) {
    // SAFETY: F1; flags without the direction flag are put back right after.
    unsafe {
        asm!(
            "push {flags}",
            "popfq",
            "mov eax, 39",
            "syscall",
            "push 2",
            "popfq",
            flags = in(reg) flags,
            out("rax") _,
            out("rcx") _,
            out("r11") _,
        );
    }
}

/// Runs bytes as code. Only in a child: nothing is as it was when it comes back, if it does.
pub(crate) fn run(code: *const u8, arguments: [u64; 3]) {
    // SAFETY: F1.
    let code: extern "C" fn(u64, u64, u64) = unsafe { std::mem::transmute(code) };
    code(arguments[0], arguments[1], arguments[2]);
}

/// Ends the process at once.
pub(crate) fn end(status: i32) -> ! {
    // SAFETY: F1.
    unsafe { libc::_exit(status) }
}
