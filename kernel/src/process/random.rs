//! Random numbers: ChaCha20 per core, seeded by the processor (RDSEED or RDRAND), else by its counters.

use crate::arch::time;
use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use core::arch::asm;
use core::arch::x86_64::__cpuid;

/// Tries of RDRAND before the counters have to do (Intel's recommendation is 10).
const TRIES: usize = 10;

/// Fills `bytes`.
pub fn fill(bytes: &mut [u8]) {
    crate::sched::with_random(|random| {
        random
            .get_or_insert_with(|| ChaCha20Rng::from_seed(seed()))
            .fill_bytes(bytes);
    });
}

fn seed() -> [u8; 32] {
    // CPUID.1:ECX bit 30 (SDM vol. 1, 7.3.17).
    let rdrand = __cpuid(1).ecx >> 30 & 1 != 0;
    let mut seed = [0; 32];
    for (word, index) in seed.chunks_exact_mut(8).zip(1u64..) {
        let hardware = if rdrand {
            (0..TRIES).find_map(|_| draw())
        } else {
            None
        };
        let clock = time::now().get() ^ time::wall().get().rotate_left(32);
        let value = hardware.unwrap_or(0) ^ clock.wrapping_mul(index | 1);
        word.copy_from_slice(&value.to_le_bytes());
    }
    seed
}

fn draw() -> Option<u64> {
    let (value, ok): (u64, u8);
    // SAFETY: K2, CPUID reports the instruction.
    unsafe {
        asm!("rdrand {}", "setc {}", out(reg) value, out(reg_byte) ok, options(nomem, nostack));
    }
    (ok != 0).then_some(value)
}
