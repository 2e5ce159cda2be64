//! Messages on COM1.

use super::cpu;
use core::fmt::{self, Write};

const COM1: u16 = 0x3f8;

/// How often the transmitter is asked before its silence is taken for absence.
const PATIENCE: u32 = 100_000;

/// Sets 115200 baud, 8 data bits, no parity, FIFO on, no interrupts (16550 data sheet).
pub(super) fn prepare() {
    for (register, value) in [(1, 0), (3, 0x80), (0, 1), (1, 0), (3, 3), (2, 7), (4, 3)] {
        cpu::write_port(COM1 + register, value);
    }
}

struct Com1;

impl Write for Com1 {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                send(b'\r');
            }
            send(byte);
        }
        Ok(())
    }
}

fn send(byte: u8) {
    for _ in 0..PATIENCE {
        if cpu::read_port(COM1 + 5) & 0x20 != 0 {
            break;
        }
    }
    cpu::write_port(COM1, byte);
}

/// Writes one line, with the loader's name before it.
pub(super) fn line(text: fmt::Arguments<'_>) {
    // Writing to the port cannot fail.
    let _ = writeln!(Com1, "braid-loader: {text}");
}
