//! Time, as the options want it measured.

use std::arch::x86_64::{_mm_lfence, _rdtsc};

use braid_bench::options::Clock;

/// The time now, in nanoseconds or ticks.
pub(crate) fn now(clock: Clock) -> u64 {
    match clock {
        Clock::Wall => monotonic(),
        Clock::Ticks => ticks(),
    }
}

fn monotonic() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: G1, `time` is writable for the call.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn ticks() -> u64 {
    // SAFETY: G5, every x86-64 processor has both instructions, and they touch no memory.
    unsafe {
        _mm_lfence();
        let ticks = _rdtsc();
        _mm_lfence();
        ticks
    }
}
