//! The framebuffer of QEMU's `-vga std`: a Bochs display (QEMU's docs/specs/standard-vga.rst), found on PCI bus 0.

use super::cpu;
use braid_loader::respond::Framebuffer;

const WIDTH: u16 = 1024;
const HEIGHT: u16 = 768;
/// Bits of a pixel: blue, green, red, unused.
const DEPTH: u16 = 32;

/// Vendor and device of the display.
const DISPLAY: u32 = 0x1111_1234;
/// The configuration register with the framebuffer's address (PCI 3.0, 6.2.5).
const BAR0: u8 = 0x10;

/// The display's registers: index and data port, and those that are used.
const INDEX: u16 = 0x1ce;
const DATA: u16 = 0x1cf;
const ID: u16 = 0;
const X: u16 = 1;
const Y: u16 = 2;
const BITS: u16 = 3;
const ENABLE: u16 = 4;
/// On, and the framebuffer at its address, not in the old window.
const ON: u16 = 0x41;

/// Turns the display on; `None` when there is none.
pub(super) fn start() -> Option<Framebuffer> {
    let slot = (0..32).find(|slot| configuration(*slot, 0) == DISPLAY)?;
    let base = configuration(slot, BAR0);
    // A 32-bit memory range that the firmware has placed; and a display with these registers.
    let placed = base & 7 == 0 && base & !0xf != 0;
    if !placed || read(ID) & 0xfff0 != 0xb0c0 {
        return None;
    }
    write(ENABLE, 0);
    write(X, WIDTH);
    write(Y, HEIGHT);
    write(BITS, DEPTH);
    write(ENABLE, ON);
    Some(Framebuffer {
        base: u64::from(base & !0xf),
        width: WIDTH.into(),
        height: HEIGHT.into(),
    })
}

/// A word of the configuration of function 0 of a slot (PCI 3.0, 3.2.2.3.2).
fn configuration(slot: u32, register: u8) -> u32 {
    cpu::write_port(0xcf8, 1 << 31 | slot << 11 | u32::from(register));
    cpu::read_port(0xcfc)
}

fn read(register: u16) -> u16 {
    cpu::write_port(INDEX, register);
    cpu::read_port(DATA)
}

fn write(register: u16, value: u16) {
    cpu::write_port(INDEX, register);
    cpu::write_port(DATA, value);
}
