//! The end of the machine.

use crate::arch::{self, port};
use crate::boot;
use crate::console::program;

/// What a clean end writes to isa-debug-exit: QEMU ends with status 2v + 1.
const ENDED: u8 = 0x10;
/// What a panic writes.
const PANICKED: u8 = 0x11;
/// What a refusal to start writes.
const REFUSED: u8 = 0x12;

/// Ends the machine after the first program has ended with this wait status.
pub fn end(status: u32) -> ! {
    program::exit(status);
    off(ENDED)
}

/// Ends the machine after a panic has been reported.
pub fn panicked() -> ! {
    off(PANICKED)
}

/// Refuses to start, saying why.
pub fn refuse(why: impl core::fmt::Display) -> ! {
    log::error!("{why}");
    log::error!("Braid can't start on this machine");
    off(REFUSED)
}

/// Writes to QEMU's exit device when the command line names it; else (and on a real board) halts.
fn off(value: u8) -> ! {
    if let Some(address) = boot::try_info().and_then(|info| info.command_line.debug_exit) {
        // SAFETY: K2, the command line says that this is the exit device.
        unsafe { port::write_u8(address, value) };
    }
    log::info!("halted");
    arch::halt()
}
