//! Time: a clock from the time-stamp counter, and one one-shot timer per core.

use super::tsc::counter;
pub use super::tsc::ticks;
use super::{apic, calibrate, cpu, features};
pub use braid_time::Nanos;
use core::sync::atomic::{AtomicU64, Ordering};

/// Ticks of the counter at boot. Written once, as the following.
static START: AtomicU64 = AtomicU64::new(0);
/// Nanoseconds per tick, times 2^32.
static SCALE: AtomicU64 = AtomicU64::new(0);
/// Ticks of the counter per nanosecond, times 2^32.
static TSC_PER_NANO: AtomicU64 = AtomicU64::new(0);
/// Ticks of the APIC timer per nanosecond, times 2^32.
static APIC_PER_NANO: AtomicU64 = AtomicU64::new(0);
/// Nanoseconds since 1970 at boot.
static DATE: AtomicU64 = AtomicU64::new(0);

/// The nanoseconds of so many ticks.
pub fn nanos(ticks: u64) -> u64 {
    multiply(ticks, SCALE.load(Ordering::Relaxed))
}

fn multiply(a: u64, b: u64) -> u64 {
    ((u128::from(a) * u128::from(b)) >> 32) as u64
}

/// Starts the clock: the first thing the kernel does. Until [`init`] it stands still.
pub fn begin() {
    START.store(counter(), Ordering::Relaxed);
}

/// Finds the frequencies of the counter and of the APIC timer. `date` is the seconds since 1970 at boot.
pub fn init(clocks: calibrate::Clocks, date: u64) -> calibrate::Rates {
    let rates = calibrate::measure(clocks);
    apic::allow_timer();
    let scale = |numerator: u64, denominator: u64| {
        ((u128::from(numerator) << 32) / u128::from(denominator.max(1))) as u64
    };
    SCALE.store(scale(1_000_000_000, rates.tsc), Ordering::Relaxed);
    TSC_PER_NANO.store(scale(rates.tsc, 1_000_000_000), Ordering::Relaxed);
    APIC_PER_NANO.store(scale(rates.apic, 1_000_000_000), Ordering::Relaxed);
    DATE.store(date.saturating_mul(1_000_000_000), Ordering::Relaxed);
    rates
}

/// Time since the kernel began to run; the same on all cores, never going back.
#[inline]
pub fn now() -> Nanos {
    let offset = match cpu::try_this() {
        Some(cpu) => cpu.tsc_offset.load(Ordering::Relaxed) as u64,
        None => 0,
    };
    let ticks = counter()
        .wrapping_add(offset)
        .saturating_sub(START.load(Ordering::Relaxed));
    Nanos::new(multiply(ticks, SCALE.load(Ordering::Relaxed)))
}

/// Time since 1970, UTC, as the loader read it from the machine's clock at boot.
pub fn wall() -> Nanos {
    Nanos::new(DATE.load(Ordering::Relaxed)) + now()
}

/// Sets this core's timer to interrupt at a point in time (now, if it has passed), or stops it. The interrupt may
/// come early for distant points; whoever set the timer looks at the clock and sets it again.
pub fn arm(at: Option<Nanos>) {
    let Some(at) = at else {
        if features::get().tsc_deadline {
            apic::set_deadline(0);
        } else {
            apic::start_timer(0);
        }
        return;
    };
    let wait = (at - now()).get();
    if features::get().tsc_deadline {
        apic::set_deadline(
            counter().saturating_add(multiply(wait, TSC_PER_NANO.load(Ordering::Relaxed))),
        );
    } else {
        let ticks = multiply(wait, APIC_PER_NANO.load(Ordering::Relaxed));
        apic::start_timer(ticks.clamp(1, u64::from(u32::MAX)) as u32);
    }
}
