//! The time-stamp counter.

use core::arch::x86_64::{_mm_lfence, _rdtsc};

/// The time-stamp counter, read in order.
pub(super) fn counter() -> u64 {
    // SAFETY: K2, every x86-64 processor has both.
    unsafe {
        _mm_lfence();
        _rdtsc()
    }
}

/// The core's time-stamp counter, not in order: cheap, for intervals.
#[inline]
pub fn ticks() -> u64 {
    // SAFETY: K2, every x86-64 processor has it.
    unsafe { _rdtsc() }
}
