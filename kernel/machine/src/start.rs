//! What each core is given and turns on before it does anything else.

use super::cpu::{self, Cpu};
use super::{apic, control, entry, fpu, gates, ioapic};

/// Descriptor tables and processor features of the first core.
///
/// # Safety
/// `block` is the first core's own, and stays until another is installed.
pub unsafe fn start_first_core(block: *mut Cpu) {
    gates::fill();
    // SAFETY: K3, by the caller's promise.
    unsafe { install(block) };
    enable_features(true);
}

/// The first core's interrupt controllers; their registers are mapped. `x2apic` and `wide` as in [`apic::choose_mode`].
///
/// # Errors
/// As [`apic::enable`].
pub fn start_interrupts(x2apic: bool, wide: bool) -> Result<(), apic::Stuck> {
    ioapic::silence_legacy();
    apic::choose_mode(x2apic, wide);
    apic::enable()
}

/// Makes `cpu` the block of the core that executes this: segments, task state, interrupt table, GS.
///
/// # Safety
/// `cpu` stays where it is for as long as the core uses it, and no other core uses it.
pub unsafe fn install(cpu: *mut Cpu) -> &'static Cpu {
    // SAFETY: K3, by the caller's promise.
    unsafe {
        let stacks = (*cpu).stacks;
        (*cpu).tables.fill(&stacks);
        (&raw mut (*cpu).tables).as_ref_unchecked().load();
        gates::load();
        cpu::enter(cpu)
    }
}

/// Turns on what the kernel relies on, on this core: control registers, vector state, system calls.
pub(super) fn enable_features(first: bool) {
    control::set();
    fpu::enable(first);
    entry::enable_system_calls();
}
