//! Random bits of the processor: RDRAND, and where it has none how long memory takes to answer (`SECURITY.md` says what that is worth).

use crate::time;
use core::arch::x86_64::_mm_clflush;
use core::sync::atomic::{AtomicU64, Ordering};
use crossbeam_utils::CachePadded;
use x86_64::instructions::random::RdRand;

/// Tries of RDRAND before the counters have to do (Intel's recommendation is 10).
const TRIES: usize = 10;

/// Reads whose time makes a word, when there is nothing better.
const READS: usize = 256;

/// A seed for a generator of random numbers.
pub fn seed() -> [u8; 32] {
    let generator = RdRand::new();
    let mut seed = [0; 32];
    for (word, index) in seed.chunks_exact_mut(8).zip(1u64..) {
        let hardware = generator.and_then(|generator| (0..TRIES).find_map(|_| generator.get_u64()));
        let clock = time::now().get() ^ time::wall().get().rotate_left(32);
        let own = hardware.unwrap_or_else(jitter);
        let value = own ^ clock.wrapping_mul(index | 1);
        word.copy_from_slice(&value.to_le_bytes());
    }
    seed
}

/// The least bits of how long uncached reads of a line take, one after the other.
fn jitter() -> u64 {
    let line = CachePadded::new(AtomicU64::new(0));
    (0..READS).fold(0, |bits: u64, _| {
        let start = time::ticks();
        // SAFETY: K2, the instruction is there wherever SSE2 is; the line is this stack's.
        unsafe { _mm_clflush(core::ptr::from_ref(&*line).cast()) };
        line.load(Ordering::Relaxed);
        bits.rotate_left(5) ^ time::ticks().wrapping_sub(start) ^ start
    })
}
