//! Traps of programs, and interrupts.

use crate::arch::regs::UserRegs;
use crate::arch::{Exception, Interrupt};
use crate::process::Thread;
use crate::process::thread::Fault;
use crate::signal::info::{FPE_INTDIV, ILL_ILLOPN, SI_KERNEL, SigInfo, TRAP_BRKPT};
use crate::signal::{self, Signal};
use alloc::sync::Arc;

/// A system call of the current thread, whose registers these are.
pub fn syscall(_: &mut UserRegs) {
    crate::sched::with_current(crate::syscall::enter);
}

/// An exception of the current thread, whose registers these are.
pub fn exception(_: &mut UserRegs, exception: Exception) {
    crate::sched::with_current(|thread| {
        let address = exception.address as u64;
        let (vector, code) = (u64::from(exception.vector), exception.code);
        thread.fault.set(Fault {
            vector,
            code,
            address,
        });
        match exception.vector {
            14 => crate::mem::fault::of_program(thread, address, code),
            vector => by_signal(thread, vector),
        }
    });
}

/// The signal of an exception other than a page fault (SDM vol. 3A, 6.3; Linux's arch/x86/kernel/traps.c).
#[cold]
fn by_signal(thread: &Arc<Thread>, vector: u8) {
    let rip = thread.regs.with(|regs| regs.rip);
    let info = match vector {
        0 => SigInfo::fault(Signal::FPE, FPE_INTDIV, rip),
        1 | 3 => SigInfo::fault(Signal::TRAP, TRAP_BRKPT, rip),
        6 => SigInfo::fault(Signal::ILL, ILL_ILLOPN, rip),
        16 | 19 => SigInfo::fault(Signal::FPE, 0, rip),
        17 => SigInfo::fault(Signal::BUS, 1, rip),
        _ => SigInfo {
            code: SI_KERNEL,
            ..SigInfo::fault(Signal::SEGV, 0, 0)
        },
    };
    log::info!("{}: exception {vector} at {rip:#x}", thread.process.label());
    signal::force(thread, info);
}

/// An interrupt, already acknowledged.
pub fn interrupt(interrupt: Interrupt, _from_user: bool) {
    match interrupt {
        Interrupt::Timer => crate::sched::tick(),
        Interrupt::ConsoleInput => crate::console::program::receive(),
        Interrupt::Disk => crate::mem::reclaim::knocked(),
        // What is in the run queue is seen on the way back.
        Interrupt::Reschedule | Interrupt::Other(_) => {}
    }
}
