//! What a trap is, and who handles it.

use super::apic::{self, vector};
use super::causes::{Exception, Interrupt};
use super::control::NO_DEBUG_STATUS;
use super::cpu::{self, Cpu};
use super::regs::{KernelRegs, UserRegs};
use super::stop::STOPPING;
use super::{above, features, msr, shootdown, usercopy};
use crate::panic;
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use x86_64::registers::control::Cr2;
use x86_64::registers::debug::Dr6;
use x86_64::structures::idt::ExceptionVector;

/// Non-maskable interrupts that no core has sent, and that have not been told of.
static STRAY: AtomicU64 = AtomicU64::new(0);

const DOUBLE_FAULT: u64 = ExceptionVector::Double as u64;
const GENERAL_PROTECTION: u64 = ExceptionVector::GeneralProtection as u64;
const PAGE_FAULT: u64 = ExceptionVector::Page as u64;
/// First vector that is not an exception.
const FIRST_INTERRUPT: u64 = 32;

/// An exception or interrupt from a program, whose registers lie here. They are its thread's: nobody else keeps a reference to them.
pub(super) extern "C" fn user_trap(regs: *const UserRegs) {
    if features::get().smap {
        // A program may set AC, and an interrupt gate does not clear it.
        // SAFETY: K6, user memory is closed again.
        unsafe { asm!("clac", options(nomem, nostack)) };
    }
    // SAFETY: K5, the entry code has just saved them, and nothing has worked on the thread since.
    let (vector, code) = unsafe { ((*regs).vector, (*regs).code) };
    if vector >= FIRST_INTERRUPT {
        interrupt(vector as u8, true);
        return;
    }
    above::above_exception(Exception {
        vector: vector as u8,
        code,
        address: if vector == PAGE_FAULT {
            fault_address()
        } else {
            0
        },
    });
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

/// A non-maskable interrupt, on a stack of its own and with GS unknown: the order to stop from a core that panics, else
/// counted. It may have come between any two instructions, so it is told of later, by [`tell_stray_interrupts`].
pub(super) extern "C" fn non_maskable(_: &mut KernelRegs) {
    if STOPPING.load(Ordering::Acquire) {
        cpu::halt();
    }
    STRAY.fetch_add(1, Ordering::Relaxed);
}

/// Says in the log that non-maskable interrupts have come which nobody has sent. As on Linux the machine goes on: they are how
/// firmware, watchdogs and operators call, and an error of the hardware that must end it comes as a machine check.
pub fn tell_stray_interrupts() {
    if STRAY.load(Ordering::Relaxed) != 0 {
        let count = STRAY.swap(0, Ordering::Relaxed);
        log::warn!("{count} non-maskable interrupts of unknown cause");
    }
}

/// A double fault or a machine check, on a stack of its own and with GS unknown: both end the machine. After a machine
/// check nobody knows which memory or register is still right.
pub(super) extern "C" fn paranoid_trap(regs: &mut KernelRegs) -> ! {
    if let Some(own) = own_cpu() {
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

/// The block of the core that executes this, found without GS.
fn own_cpu() -> Option<&'static Cpu> {
    let id = apic::id();
    cpu::all().find(|cpu| cpu.apic_id == id)
}

/// A system call.
pub(super) extern "C" fn syscall() {
    above::above_syscall();
}

/// Whose registers to load next.
pub(super) extern "C" fn next_thread() -> *mut UserRegs {
    // SAFETY: K20, the entry code calls this on its way out, on a stack that holds nothing else.
    unsafe { above::above_next() }
}

/// Whether an interrupt has to wait until the core holds no lock any more that its handler takes and under which interrupts are let in. The
/// timer's handler alone takes such locks: those of the console and of disks only note that there is something to do.
fn must_wait(number: u8) -> bool {
    let head = &cpu::this().head;
    let waits = number == vector::TIMER && head.closed.get() > 0;
    if waits {
        head.deferred.set(true);
    }
    waits
}

/// The core holds no such lock any more: the timer's interrupt, which had to wait, comes again.
#[cold]
// SAFETY: K39, of the type that `sync` declares.
#[unsafe(no_mangle)]
fn sync_raise() {
    apic::send(apic::id(), vector::TIMER);
}

fn interrupt(number: u8, from_user: bool) {
    if must_wait(number) {
        return apic::acknowledge();
    }
    let what = match number {
        vector::SPURIOUS => return,
        vector::FLUSH => {
            apic::acknowledge();
            shootdown::serve();
            return;
        }
        vector::DOORBELL => {
            apic::acknowledge();
            above::above_doorbell();
            return;
        }
        vector::TIMER => Interrupt::Timer,
        vector::DISK => Interrupt::Disk,
        vector::RESCHEDULE => Interrupt::Reschedule,
        vector::CONSOLE => Interrupt::ConsoleInput,
        other => Interrupt::Other(other),
    };
    apic::acknowledge();
    above::above_interrupt(what, from_user);
}

/// DR6: why there was a debug exception (SDM vol. 3B, 17.2.3). The register is set back, as the processor never clears it.
pub fn take_debug_status() -> u64 {
    let status = Dr6::read_raw();
    // SAFETY: K38, breakpoints stay off.
    unsafe {
        asm!("mov dr6, {}", in(reg) NO_DEBUG_STATUS, options(nomem, nostack, preserves_flags))
    };
    status
}

/// CR2: the address of the last page fault.
fn fault_address() -> usize {
    Cr2::read_raw() as usize
}
