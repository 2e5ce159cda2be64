//! Traps of programs, and interrupts.

use crate::process::thread::{Fault, Task};
use crate::process::{Current, Thread};
use crate::signal;
use braid_signals::Signal;
use braid_signals::info::{
    BUS_ADRALN, FPE_FLTDIV, FPE_FLTINV, FPE_FLTOVF, FPE_FLTRES, FPE_FLTUND, FPE_INTDIV, ILL_ILLOPN,
    SI_KERNEL, SigInfo, TRAP_BRKPT, TRAP_TRACE,
};
use machine::{Exception, Interrupt, cpu, fpu, take_debug_status};

const DEBUG: u8 = 1;
const PAGE_FAULT: u8 = 14;
/// The bit of DR6 for a single step.
const SINGLE_STEP: u64 = 1 << 14;

/// A system call of the current thread.
pub fn syscall() {
    sched::enter_kernel::<Task>();
    Thread::with_current(crate::syscall::enter);
}

/// An exception of the current thread.
pub fn exception(exception: Exception) {
    sched::enter_kernel::<Task>();
    Thread::with_current(|thread| match exception.vector {
        PAGE_FAULT => {
            crate::memory::fault::of_program(thread, exception.address as u64, exception.code)
        }
        _ => by_signal(thread, exception),
    });
}

/// The signal of an exception other than a page fault.
#[cold]
fn by_signal(thread: &Current, exception: Exception) {
    let vector = exception.vector;
    let status = if vector == DEBUG {
        take_debug_status()
    } else {
        0
    };
    if vector == DEBUG && crate::process::stuck::has_stepped(thread) {
        return;
    }
    let rip = thread.regs().rip;
    // As on Linux the address of the last page fault stays.
    thread.own().fault.set(Fault {
        vector: vector.into(),
        code: exception.code,
        ..thread.own().fault.get()
    });
    let info = meaning(vector, status, rip);
    // A fault that the program handles itself is its own affair.
    if !signal::is_caught(thread, info.signal) {
        let text = format_args!("exception {vector} at {rip:#x}");
        thread.process.log(log::Level::Info, text);
    }
    signal::force(thread, info);
}

/// What an exception at `rip` is to a program (SDM vol. 3A, 6.3; Linux's arch/x86/kernel/traps.c). `status` is DR6.
fn meaning(vector: u8, status: u64, rip: u64) -> SigInfo {
    let at = |signal, code| SigInfo::fault(signal, code, rip);
    let kernel = |signal| SigInfo {
        code: SI_KERNEL,
        ..SigInfo::fault(signal, 0, 0)
    };
    match vector {
        0 => at(Signal::FPE, FPE_INTDIV),
        DEBUG if status & SINGLE_STEP != 0 => at(Signal::TRAP, TRAP_TRACE),
        DEBUG => at(Signal::TRAP, TRAP_BRKPT),
        3 => kernel(Signal::TRAP),
        6 => at(Signal::ILL, ILL_ILLOPN),
        9 => kernel(Signal::FPE),
        11 | 12 => kernel(Signal::BUS),
        16 => at(Signal::FPE, float_code(fpu::x87_exceptions())),
        17 => SigInfo::fault(Signal::BUS, BUS_ADRALN, 0),
        19 => at(Signal::FPE, float_code(fpu::sse_exceptions())),
        _ => kernel(Signal::SEGV),
    }
}

/// The code of unmasked floating-point exceptions: invalid, denormal, division by zero, overflow, underflow, inexact from
/// bit 0 up.
fn float_code(exceptions: u32) -> i32 {
    match exceptions {
        e if e & 1 != 0 => FPE_FLTINV,
        e if e & 4 != 0 => FPE_FLTDIV,
        e if e & 8 != 0 => FPE_FLTOVF,
        e if e & 0x12 != 0 => FPE_FLTUND,
        e if e & 0x20 != 0 => FPE_FLTRES,
        _ => 0,
    }
}

/// An interrupt, already acknowledged.
pub fn interrupt(interrupt: Interrupt, from_user: bool) {
    if from_user {
        sched::enter_kernel::<Task>();
    }
    match interrupt {
        Interrupt::Timer => sched::tick::<Task>(),
        Interrupt::ConsoleInput => crate::console::note_input(),
        Interrupt::Disk => mem::reclaim::on_disk_irq(),
        // The scheduler sees the new thread on the way back.
        Interrupt::Reschedule | Interrupt::Other(_) => return,
    }
    if from_user {
        // The work that the thread has to do before it goes on is not the interrupt's.
        cpu::let_interrupts_in();
    }
}
