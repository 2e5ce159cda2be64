//! The end of the machine.

use crate::arch::{self, port, shootdown, time};
use crate::boot;
use crate::console::{program, screen};
use braid_firmware::acpi::fadt::OffSwitch;
use spin::Once;

static OFF_SWITCH: Once<OffSwitch> = Once::new();

/// What a clean end writes to isa-debug-exit: QEMU ends with status 2v + 1.
const ENDED: u8 = 0x10;
/// What a panic writes.
const PANICKED: u8 = 0x11;
/// What a refusal to start writes.
const REFUSED: u8 = 0x12;

/// Seconds that the machine has to lose its power.
const POWER_OFF: u64 = 2;

/// Ends the machine after the first program has ended with this wait status.
pub fn end(status: u32) -> ! {
    program::exit(status);
    let seconds = boot::info().command_line.linger;
    if seconds > 0 {
        // Whoever reads the screen needs some time.
        log::info!("the machine powers off in {seconds} s");
        screen::show();
        wait(seconds.into());
    }
    off(ENDED)
}

fn wait(seconds: u64) {
    let end = time::now().0 + seconds * 1_000_000_000;
    while time::now().0 < end {
        core::hint::spin_loop();
        shootdown::serve();
    }
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

/// Remembers how the firmware powers the machine off.
pub fn set_off_switch(switch: OffSwitch) {
    OFF_SWITCH.call_once(|| switch);
}

/// Writes to QEMU's exit device when the command line names it. A board is powered off after a clean end; after a bad
/// one it halts, so that its screen can be read.
fn off(value: u8) -> ! {
    if let Some(address) = boot::debug_exit() {
        // SAFETY: K2, the command line says that this is the exit device.
        unsafe { port::write_u8(address, value) };
    }
    if let Some(switch) = OFF_SWITCH.get().filter(|_| value == ENDED) {
        log::info!("powering off");
        for (address, word) in switch.writes() {
            // SAFETY: K2, the ports and values that the firmware states for soft-off.
            unsafe { port::write_u16(address, word) };
        }
        // It takes a while.
        wait(POWER_OFF);
        log::warn!("the firmware's way to power off has no effect");
    }
    log::info!("halted");
    screen::show();
    arch::halt()
}
