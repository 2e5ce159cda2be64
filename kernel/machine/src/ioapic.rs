//! I/O APICs: where device interrupts go (82093AA datasheet; ACPI 6.5, 5.2.12).

use super::paging::{self, PhysAddr};
use braid_firmware::acpi::madt::{IoApic, Line, Madt};
use x86_64::instructions::port::Port;

const VERSION: u32 = 1;
const REDIRECTION: u32 = 0x10;
const MASKED: u32 = 1 << 16;
const LEVEL: u32 = 1 << 15;
const ACTIVE_LOW: u32 = 1 << 13;

/// Masks both 8259 controllers, after moving their vectors away from the exceptions.
pub fn silence_legacy() {
    // SAFETY: K2, the 8259's documented initialisation.
    unsafe {
        for (command, data, base) in [(0x20, 0x21, 0x20), (0xa0, 0xa1, 0x28)] {
            let (mut command, mut data) = (Port::<u8>::new(command), Port::<u8>::new(data));
            command.write(0x11);
            data.write(base);
            data.write(if base == 0x20 { 4 } else { 2 });
            data.write(1);
            data.write(0xff);
        }
    }
}

fn read(apic: &IoApic, register: u32) -> u32 {
    let base = paging::phys_to_virt(PhysAddr(apic.address)).cast::<u32>();
    // SAFETY: K2, the registers are mapped uncached; only the first core uses them, at boot.
    unsafe {
        base.write_volatile(register);
        base.add(4).read_volatile()
    }
}

fn write(apic: &IoApic, register: u32, value: u32) {
    let base = paging::phys_to_virt(PhysAddr(apic.address)).cast::<u32>();
    // SAFETY: K2, the registers are mapped uncached; only the first core uses them, at boot.
    unsafe {
        base.write_volatile(register);
        base.add(4).write_volatile(value);
    }
}

fn inputs(apic: &IoApic) -> u32 {
    (read(apic, VERSION) >> 16 & 0xff) + 1
}

/// Masks every input of every I/O APIC.
pub fn mask_all(madt: &Madt<'_>) {
    for apic in madt.io_apics() {
        for input in 0..inputs(&apic) {
            write(&apic, REDIRECTION + 2 * input, MASKED);
        }
    }
}

/// Sends an ISA interrupt to a core. False when no I/O APIC has its input, or the core's id has more than 8 bits.
pub fn route(madt: &Madt<'_>, isa: u8, vector: u8, apic_id: u32) -> bool {
    let Line {
        gsi,
        active_low,
        level,
    } = madt.isa(isa);
    let Some(apic) = madt
        .io_apics()
        .find(|apic| gsi >= apic.first && gsi - apic.first < inputs(apic))
    else {
        return false;
    };
    if apic_id > 0xff {
        return false;
    }
    let mut entry = u32::from(vector);
    if active_low {
        entry |= ACTIVE_LOW;
    }
    if level {
        entry |= LEVEL;
    }
    let register = REDIRECTION + 2 * (gsi - apic.first);
    write(&apic, register + 1, apic_id << 24);
    write(&apic, register, entry);
    true
}
