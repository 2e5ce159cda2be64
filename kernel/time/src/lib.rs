#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

#[cfg(test)]
mod tests;

use core::ops::{Add, AddAssign, Mul, Sub};

const SECOND: u64 = 1_000_000_000;

/// Nanoseconds: a point on a clock, or the span between two of them. Arithmetic saturates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(u64);

/// A time that no call takes: negative, or a part of a second that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid;

impl Nanos {
    /// The beginning of a clock; no span.
    pub const ZERO: Self = Self(0);
    /// The end of time (Linux's KTIME_MAX), 292 years after the beginning: what is due then never is.
    pub const MAX: Self = Self(i64::MAX as u64);

    /// So many nanoseconds.
    pub const fn new(nanos: u64) -> Self {
        if nanos < Self::MAX.0 {
            Self(nanos)
        } else {
            Self::MAX
        }
    }

    /// So many microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self::new(micros.saturating_mul(1000))
    }

    /// So many milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self::new(millis.saturating_mul(1_000_000))
    }

    /// So many seconds. As on Linux the last second is the end already (KTIME_SEC_MAX).
    pub const fn from_secs(seconds: u64) -> Self {
        if seconds < Self::MAX.0 / SECOND {
            Self(seconds * SECOND)
        } else {
            Self::MAX
        }
    }

    /// What `struct timespec` says: seconds and nanoseconds.
    ///
    /// # Errors
    /// [`Invalid`], as Linux's `timespec64_valid`.
    pub const fn from_timespec([seconds, nanos]: [i64; 2]) -> Result<Self, Invalid> {
        Self::from_parts(seconds, nanos, 1)
    }

    /// What `struct timeval` says: seconds and microseconds.
    ///
    /// # Errors
    /// [`Invalid`], as for timers and file times.
    pub const fn from_timeval([seconds, micros]: [i64; 2]) -> Result<Self, Invalid> {
        Self::from_parts(seconds, micros, 1000)
    }

    /// What select(2) makes of `struct timeval`: whole seconds may stand among the microseconds, and only the sum counts.
    ///
    /// # Errors
    /// [`Invalid`]: the sum is negative or too much, or the microseconds are negative.
    pub const fn from_loose_timeval([seconds, micros]: [i64; 2]) -> Result<Self, Invalid> {
        match seconds.checked_add(micros / 1_000_000) {
            Some(whole) => Self::from_parts(whole, micros % 1_000_000, 1000),
            None => Err(Invalid),
        }
    }

    const fn from_parts(seconds: i64, part: i64, unit: u64) -> Result<Self, Invalid> {
        if seconds < 0 || part < 0 || part as u64 >= SECOND / unit {
            return Err(Invalid);
        }
        Ok(Self::from_secs(seconds as u64).plus(Self(part as u64 * unit)))
    }

    /// The number, to be shown, stored or handed to a device.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whole seconds.
    pub const fn as_secs(self) -> u64 {
        self.0 / SECOND
    }

    /// Nanoseconds beyond the whole seconds.
    pub const fn subsec_nanos(self) -> u64 {
        self.0 % SECOND
    }

    /// As `struct timespec`.
    pub const fn timespec(self) -> [u64; 2] {
        [self.as_secs(), self.subsec_nanos()]
    }

    /// As `struct timeval`.
    pub const fn timeval(self) -> [u64; 2] {
        [self.as_secs(), self.subsec_nanos() / 1000]
    }

    /// Whether it is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// How often `span` goes into it; `None` for an empty span.
    pub const fn checked_div(self, span: Self) -> Option<u64> {
        self.0.checked_div(span.0)
    }

    const fn plus(self, other: Self) -> Self {
        Self::new(self.0.saturating_add(other.0))
    }
}

impl Add for Nanos {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.plus(other)
    }
}

impl AddAssign for Nanos {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Nanos {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Mul<u64> for Nanos {
    type Output = Self;

    fn mul(self, times: u64) -> Self {
        Self::new(self.0.saturating_mul(times))
    }
}

/// When a timer that was due at `at` and fires every `interval` fires next, at `now`: later than that, whatever was missed is not
/// made up for. `None`: it fires only once.
pub fn next_firing(at: Nanos, interval: Nanos, now: Nanos) -> Option<Nanos> {
    let missed = (now - at).checked_div(interval)?;
    Some(at + interval * missed.saturating_add(1))
}
