//! Stopping the other cores.

use super::{apic, cpu};
use core::sync::atomic::{AtomicBool, Ordering};

/// Set once a core panics: the others stop at their next non-maskable interrupt.
pub(super) static STOPPING: AtomicBool = AtomicBool::new(false);

/// Stops every other core for good.
pub(super) fn stop_others() {
    STOPPING.store(true, Ordering::Release);
    for core in cpu::all() {
        if core.apic_id != apic::id() {
            apic::send_nmi(core.apic_id);
        }
    }
}
