//! The x86-64 machine: processors, traps, paging, interrupts, time.
//!
//! Nothing outside this module and the console executes a privileged instruction.

pub mod apic;
pub mod cpu;
pub mod features;
pub mod fpu;
pub mod ioapic;
pub mod ipi;
pub mod paging;
pub mod port;
pub mod regs;
pub mod segment;
pub mod shootdown;
pub mod smp;
pub mod time;
pub mod usercopy;

mod above;
mod calibrate;
mod control;
mod descriptors;
mod entry;
mod msr;
mod stacks;
mod trap;

pub use above::{QUICK_LIMIT, QuickTable};
pub(crate) use calibrate::Clocks;
pub(crate) use control::has_five_levels;
pub use entry::enter_user;
pub use stacks::{CoreStacks, STRIDE as STACK_STRIDE};
pub use trap::{Exception, Interrupt, KernelRegs};
pub(crate) use trap::{stop_others, take_debug_status, tell_stray_interrupts};

use core::arch::asm;

/// Stops this core for good.
pub fn halt() -> ! {
    loop {
        // SAFETY: K4, interrupts stay off; an NMI ends the halt and the loop halts again.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) };
    }
}

/// Descriptor tables and processor features of the first core.
///
/// # Safety
/// `block` is the first core's own, and stays until another is installed.
pub(crate) unsafe fn start_first_core(block: *mut cpu::Cpu) {
    descriptors::fill_interrupt_table();
    // SAFETY: K3, by the caller's promise.
    unsafe { cpu::install(block) };
    cpu::enable_features(true);
}

/// The first core's interrupt controllers; their registers are mapped. `x2apic` and `wide` as in [`apic::choose_mode`].
///
/// # Errors
/// As [`apic::enable`].
pub(crate) fn start_interrupts(x2apic: bool, wide: bool) -> Result<(), apic::Stuck> {
    ioapic::silence_legacy();
    apic::choose_mode(x2apic, wide);
    apic::enable()
}
