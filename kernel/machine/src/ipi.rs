//! Interrupts from core to core.

use super::apic::{self, vector};
use super::cpu;
use super::index::CoreIndex;

/// What is asked of the other core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ipi {
    /// Look at the run queues.
    Reschedule,
    /// Serve the flush mailbox.
    Flush,
}

/// Sends to a core that runs; to any other it does nothing.
pub fn send(core: CoreIndex, ipi: Ipi) {
    let Some(cpu) = cpu::get(core) else { return };
    match ipi {
        Ipi::Reschedule => apic::send(cpu.apic_id, vector::RESCHEDULE),
        Ipi::Flush => apic::send(cpu.apic_id, vector::FLUSH),
    }
}

/// Rings the doorbell at the core of another torus, by its APIC id: that core's block is not touched.
pub fn knock(apic_id: u32) {
    apic::send(apic_id, vector::DOORBELL);
}
