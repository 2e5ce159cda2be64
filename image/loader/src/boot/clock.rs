//! Time: the date from the real-time clock, and waiting by the interval timer.

use super::cpu::{read_port, write_port};
use braid_loader::time::Reading;

/// Ticks of the 8254 in a millisecond.
const TICKS_PER_MS: u16 = 1193;

/// How often a reading of the clock is tried.
const TRIES: u32 = 10_000;

/// Register of the century on PCs (ACPI FADT names it; QEMU and common boards have it here).
const CENTURY: u8 = 0x32;

/// Seconds since 1970 by the real-time clock.
pub(super) fn date() -> i64 {
    let mut last = reading();
    for _ in 0..TRIES {
        // An update in progress shows in register A, and in two readings that differ.
        let updating = register(0x0a) & 0x80 != 0;
        let next = reading();
        if !updating && next == last {
            break;
        }
        last = next;
    }
    last.unix_seconds()
}

fn reading() -> Reading {
    Reading {
        fields: [0, 2, 4, 7, 8, 9].map(register),
        century: register(CENTURY),
        mode: register(0x0b),
    }
}

fn register(index: u8) -> u8 {
    write_port(0x70, index);
    read_port(0x71)
}

/// Waits until `done`, at most `milliseconds`. Gives what `done` said last.
pub(super) fn wait(milliseconds: u32, mut done: impl FnMut() -> bool) -> bool {
    for _ in 0..milliseconds {
        start_millisecond();
        // Bit 5 of port 0x61 is the output of counter 2: high when it has counted down (8254 mode 0).
        while read_port::<u8>(0x61) & 0x20 == 0 {
            if done() {
                return true;
            }
            for _ in 0..100 {
                core::hint::spin_loop();
            }
        }
    }
    done()
}

fn start_millisecond() {
    // Gate of counter 2 on, loudspeaker off; then mode 0, low byte and high byte.
    write_port(0x61, read_port::<u8>(0x61) & !2 | 1);
    write_port(0x43, 0xb0_u8);
    let [low, high] = TICKS_PER_MS.to_le_bytes();
    write_port(0x42, low);
    write_port(0x42, high);
}
