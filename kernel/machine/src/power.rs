//! The end of the machine.

use crate::boot;
use crate::console;
use crate::cpu;
use crate::paging::{self, KernelTables, PhysAddr};
use crate::shootdown;
use crate::stop::stop_others;
use crate::time::{self, Nanos};
use braid_firmware::acpi::fadt::{OffSwitch, Register, Reset};
use spin::Once;
use x86_64::instructions::port::Port;

static OFF_SWITCH: Once<OffSwitch> = Once::new();
static RESET: Once<Reset> = Once::new();

/// What a clean end writes to isa-debug-exit: QEMU ends with status 2v + 1.
const ENDED: u8 = 0x10;
/// What a panic writes.
const PANICKED: u8 = 0x11;
/// What a refusal to start writes.
const REFUSED: u8 = 0x12;

/// How long hardware has to do what it is told: turn ACPI mode on, lose its power, reset.
const PATIENCE: Nanos = Nanos::from_secs(2);

/// Ends the machine after the first program has ended.
pub fn end() -> ! {
    let seconds = boot::info().command_line.linger;
    if seconds > 0 {
        // Whoever reads the screen needs some time.
        log::info!("the machine powers off in {seconds} s");
        console::drain();
        wait(Nanos::from_secs(seconds.into()), || false);
    }
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

/// Remembers how the firmware powers the machine off and resets it.
pub fn set_ways(off: Option<OffSwitch>, reset: Option<Reset>) {
    match off {
        Some(switch) => {
            OFF_SWITCH.call_once(|| switch);
        }
        None => log::warn!("the firmware does not say how to power off"),
    }
    if let Some(reset) = reset {
        RESET.call_once(|| reset);
    }
}

/// Starts the machine again: as the firmware says, else by the keyboard controller, else by the PCI bridge of most PCs.
pub fn restart() -> ! {
    log::info!("rebooting");
    console::drain();
    if let Some(Reset { register, value }) = RESET.get() {
        write(*register, *value);
        wait(PATIENCE, || false);
    }
    for (address, value) in [(0x64, 0xfe), (0xcf9, 6)] {
        write(Register::Port(address), value);
        wait(PATIENCE, || false);
    }
    log::warn!("the machine does not reset");
    stop()
}

/// Stops the machine for good, with its power on.
pub fn stop() -> ! {
    log::info!("halted");
    console::drain();
    stop_others();
    cpu::halt()
}

fn write(register: Register, value: u8) {
    match register {
        // SAFETY: K2, the port and value that the firmware states for a reset, or that PCs have.
        Register::Port(port) => unsafe { Port::new(port).write(value) },
        Register::Memory(address) => {
            let at = paging::phys_to_virt(PhysAddr(address));
            if KernelTables::current().is_mapped(at as u64) {
                // SAFETY: K2, the register that the firmware states for a reset, mapped as a device.
                unsafe { at.write_volatile(value) };
            }
        }
    }
}

/// Writes to QEMU's exit device when the command line names it. A board is powered off after a clean end; after a bad
/// one it halts, so that its screen can be read.
fn off(value: u8) -> ! {
    console::drain();
    if let Some(address) = boot::debug_exit() {
        // SAFETY: K2, the command line says that this is the exit device.
        unsafe { Port::new(address).write(value) };
    }
    if let Some(switch) = OFF_SWITCH.get().filter(|_| value == ENDED) {
        log::info!("powering off");
        console::drain();
        switch_off(switch);
        log::warn!("the firmware's way to power off has no effect");
    }
    stop()
}

fn switch_off(switch: &OffSwitch) {
    // SAFETY: K2, reading a control register has no effect.
    let is_on = || unsafe { Port::<u16>::new(switch.control()).read() } & 1 != 0;
    if let Some((port, value)) = switch.enable.filter(|_| !is_on()) {
        // SAFETY: K2, the port and value that the firmware states for its ACPI mode.
        unsafe { Port::new(port).write(value) };
        wait(PATIENCE, is_on);
    }
    for write in switch.writes() {
        // SAFETY: K2, the registers and bits that the firmware states for soft-off.
        unsafe {
            let old = Port::<u16>::new(write.port).read();
            Port::new(write.port).write(old & !write.clear | write.set);
        }
    }
    wait(PATIENCE, || false);
}

/// Waits until it is `done`, or for so long.
fn wait(span: Nanos, done: impl Fn() -> bool) {
    let end = time::now() + span;
    while !done() && time::now() < end {
        core::hint::spin_loop();
        shootdown::serve();
    }
}
