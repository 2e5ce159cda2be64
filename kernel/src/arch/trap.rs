//! What a trap is, and who handles it.

use super::apic::{self, vector};
use super::regs::UserRegs;
use super::{cpu, features, msr, shootdown, usercopy};
use crate::{console, panic};
use core::arch::asm;
use core::sync::atomic::{AtomicBool, Ordering};

/// Set once a core panics: the others stop at their next non-maskable interrupt.
pub(crate) static STOPPING: AtomicBool = AtomicBool::new(false);

const NMI: u64 = 2;
const DOUBLE_FAULT: u64 = 8;
const GENERAL_PROTECTION: u64 = 13;
const PAGE_FAULT: u64 = 14;
/// First vector that is not an exception.
const FIRST_INTERRUPT: u64 = 32;

/// A processor exception in a program (SDM vol. 3A, chapter 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// 0 to 31.
    pub vector: u8,
    /// The error code; 0 where the exception has none. For a page fault: bit 0 present, 1 write, 2 user, 4 fetch.
    pub code: u64,
    /// For a page fault the address (CR2), else 0.
    pub address: usize,
}

/// A device interrupt, already acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// The one-shot timer of this core.
    Timer,
    /// Another core asks this one to look at its queues.
    Reschedule,
    /// The program console has input, which has been handed on.
    ConsoleInput,
    /// The torus's swap disk has answered.
    Disk,
    /// Any other vector.
    Other(u8),
}

/// The registers of interrupted kernel code; the same words as a program's.
pub type KernelRegs = UserRegs;

/// An exception or interrupt from a program.
pub(super) extern "C" fn user_trap(regs: &mut UserRegs) {
    if features::get().smap {
        // A program may set AC, and an interrupt gate does not clear it.
        // SAFETY: K6, user memory is closed again.
        unsafe { asm!("clac", options(nomem, nostack)) };
    }
    if regs.vector >= FIRST_INTERRUPT {
        interrupt(regs.vector as u8, true);
        return;
    }
    let exception = Exception {
        vector: regs.vector as u8,
        code: regs.code,
        address: if regs.vector == PAGE_FAULT {
            fault_address()
        } else {
            0
        },
    };
    crate::trap::exception(regs, exception);
}

/// An exception or interrupt from the kernel: the idle loop's interrupts, faults of user copies; all else is a bug.
pub(super) extern "C" fn kernel_trap(regs: &mut KernelRegs) {
    if regs.vector >= FIRST_INTERRUPT {
        interrupt(regs.vector as u8, false);
        return;
    }
    if regs.vector == PAGE_FAULT || regs.vector == GENERAL_PROTECTION {
        let address = fault_address();
        // A fault at a kernel address during a copy is the kernel's own.
        let user = regs.vector == GENERAL_PROTECTION || address >> 47 == 0;
        if let Some(rip) = usercopy::fixup(regs.rip).filter(|_| user) {
            regs.rip = rip;
            regs.rdx = address as u64;
            return;
        }
    }
    panic::exception(regs, fault_address());
}

/// A double fault, a machine check or an NMI, on a stack of its own and with GS unknown: all of them end the machine,
/// or this core when another has ended it.
pub(super) extern "C" fn paranoid_trap(regs: &mut KernelRegs) -> ! {
    if regs.vector == NMI && STOPPING.load(Ordering::Acquire) {
        super::halt();
    }
    if let Some(own) = apic::own_cpu() {
        // SAFETY: K3, the block of the core whose APIC id this is.
        unsafe { msr::write(msr::GS_BASE, core::ptr::from_ref(own) as u64) };
    }
    let address = if regs.vector == DOUBLE_FAULT {
        fault_address()
    } else {
        0
    };
    panic::exception(regs, address)
}

/// A system call.
pub(super) extern "C" fn syscall(regs: &mut UserRegs) {
    crate::trap::syscall(regs);
}

/// Whose registers to load next.
pub(super) extern "C" fn next_thread() -> *mut UserRegs {
    crate::sched::next_thread()
}

fn interrupt(number: u8, from_user: bool) {
    let what = match number {
        vector::SPURIOUS => return,
        vector::FLUSH => {
            apic::acknowledge();
            shootdown::serve();
            return;
        }
        vector::DOORBELL => {
            apic::acknowledge();
            crate::rings::knocked();
            return;
        }
        vector::TIMER => Interrupt::Timer,
        vector::DISK => Interrupt::Disk,
        vector::RESCHEDULE => Interrupt::Reschedule,
        vector::CONSOLE => {
            apic::acknowledge();
            console::program::receive();
            crate::trap::interrupt(Interrupt::ConsoleInput, from_user);
            return;
        }
        other => Interrupt::Other(other),
    };
    apic::acknowledge();
    crate::trap::interrupt(what, from_user);
}

/// CR2: the address of the last page fault.
fn fault_address() -> usize {
    let address;
    // SAFETY: K2, reading CR2 has no effect.
    unsafe { asm!("mov {}, cr2", out(reg) address, options(nomem, nostack, preserves_flags)) };
    address
}

/// Stops every other core for good.
pub(crate) fn stop_others() {
    STOPPING.store(true, Ordering::Release);
    for core in cpu::all() {
        if core.apic_id != apic::id() {
            apic::send_nmi(core.apic_id);
        }
    }
}
