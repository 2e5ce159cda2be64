//! Panics: a message, registers, a backtrace, all cores stopped, and an exit status.
//!
//! Lines begin with `PANIC`; the backtrace's with `  at 0x`, which the host tool turns into names.

use crate::paging::KernelTables;
use crate::regs::KernelRegs;
use crate::{console, power};
use crate::{cpu, stop};
use core::arch::asm;
use core::fmt;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, Ordering};

/// Frames of the backtrace at most.
const DEPTH: usize = 64;

/// The number of the core that panics, plus 1. Others only stop; a panic within the panic ends the machine at once.
static PANICKING: AtomicU32 = AtomicU32::new(0);

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    begin();
    match info.location() {
        Some(at) => say(format_args!(
            "PANIC {} ({}:{})",
            info.message(),
            at.file(),
            at.line()
        )),
        None => say(format_args!("PANIC {}", info.message())),
    }
    say_place();
    let frame: u64;
    // SAFETY: K2, reading a register.
    unsafe { asm!("mov {}, rbp", out(reg) frame, options(nomem, nostack, preserves_flags)) };
    backtrace(frame);
    power::panicked()
}

/// Ends the machine after an exception in the kernel that nothing can fix.
pub(crate) fn exception(regs: &KernelRegs, address: usize) -> ! {
    begin();
    let name = match regs.vector {
        0 => "divide error",
        2 => "non-maskable interrupt (the hardware reports an error)",
        3 => "breakpoint",
        6 => "invalid opcode",
        8 => "double fault (kernel stack overflow?)",
        12 => "stack fault",
        13 => "general protection fault",
        14 => "page fault",
        18 => "machine check",
        _ => "exception",
    };
    say(format_args!(
        "PANIC {name} in the kernel: vector {}, code {:#x}, address {address:#x}, at {:#x}",
        regs.vector, regs.code, regs.rip
    ));
    say_place();
    show(regs);
    say(format_args!("  at {:#x}", regs.rip));
    backtrace(regs.rbp);
    power::panicked()
}

fn begin() {
    let own = 1 + cpu::try_this().map_or(0, |cpu| u32::from(cpu.index.0));
    match PANICKING.compare_exchange(0, own, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {}
        // The same core again: nothing more can be said.
        Err(panicking) if panicking == own => power::panicked(),
        // The stop has not reached this core yet.
        Err(_) => cpu::halt(),
    }
    if cpu::try_this().is_some() {
        stop::stop_others();
    }
    // SAFETY: K12, all other cores have been stopped.
    unsafe { console::break_lock() };
}

fn say(line: fmt::Arguments<'_>) {
    console::emergency(line);
}

fn say_place() {
    match cpu::place() {
        Some((torus, core)) => say(format_args!("PANIC on core {core} of torus {torus}")),
        None => say(format_args!(
            "PANIC while booting, core {}",
            cpu::try_this().map_or(0, |cpu| cpu.index.0)
        )),
    }
}

fn show(regs: &KernelRegs) {
    let KernelRegs {
        rax,
        rbx,
        rcx,
        rdx,
        rsi,
        rdi,
        rbp,
        rsp,
        ..
    } = *regs;
    let KernelRegs {
        r8,
        r9,
        r10,
        r11,
        r12,
        r13,
        r14,
        r15,
        ..
    } = *regs;
    say(format_args!(
        "PANIC rax {rax:016x} rbx {rbx:016x} rcx {rcx:016x} rdx {rdx:016x}"
    ));
    say(format_args!(
        "PANIC rsi {rsi:016x} rdi {rdi:016x} rbp {rbp:016x} rsp {rsp:016x}"
    ));
    say(format_args!(
        "PANIC r8  {r8:016x} r9  {r9:016x} r10 {r10:016x} r11 {r11:016x}"
    ));
    say(format_args!(
        "PANIC r12 {r12:016x} r13 {r13:016x} r14 {r14:016x} r15 {r15:016x}"
    ));
    let (cs, ss, rflags) = (regs.cs, regs.ss, regs.rflags);
    say(format_args!(
        "PANIC cs {cs:#x} ss {ss:#x} rflags {rflags:#x} cr3 {:#x}",
        crate::paging::root()
    ));
}

/// Follows the chain of frame pointers as long as it leads upwards through mapped kernel memory.
fn backtrace(mut frame: u64) {
    let tables = KernelTables::current();
    for _ in 0..DEPTH {
        let readable = |at: u64| at.is_multiple_of(8) && tables.is_mapped(at);
        if !readable(frame) || !readable(frame + 8) {
            return;
        }
        // SAFETY: K10, the two words are mapped.
        let (next, back) = unsafe { (*(frame as *const u64), *((frame + 8) as *const u64)) };
        if back == 0 {
            return;
        }
        say(format_args!("  at {back:#x}"));
        if next <= frame {
            return;
        }
        frame = next;
    }
}
