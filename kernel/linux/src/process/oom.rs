//! What a process, or who answers for it, wants of the choice of who is killed when memory is out (`/proc/PID/oom_score_adj`).

use crate::syscall::errno::Errno;
use core::sync::atomic::{AtomicI32, Ordering};

/// The least: it is never killed for that.
const NEVER: i32 = -1000;
/// The most.
const FIRST: i32 = 1000;
/// Of the old scale (`/proc/PID/oom_adj`): the most, and what means never.
const OLD_MOST: i32 = 15;
const OLD_NEVER: i32 = -17;

/// The adjustment: thousandths of the memory by which a process seems larger than it is.
pub struct Oom {
    adjustment: AtomicI32,
    /// Nobody but user 0 sets less.
    least: AtomicI32,
}

impl Oom {
    /// None.
    pub const fn new() -> Self {
        Self::of([0, 0])
    }

    /// What [`Self::words`] tells.
    pub const fn of([adjustment, least]: [i32; 2]) -> Self {
        Self {
            adjustment: AtomicI32::new(adjustment),
            least: AtomicI32::new(least),
        }
    }

    /// The adjustment and its least value, for a child or another torus.
    pub fn words(&self) -> [i32; 2] {
        [self.adjustment(), self.least.load(Ordering::Relaxed)]
    }

    /// The adjustment.
    pub fn adjustment(&self) -> i32 {
        self.adjustment.load(Ordering::Relaxed)
    }

    /// Sets it. EINVAL beyond the bounds, EACCES below what somebody without privileges may set.
    pub fn set(&self, value: i32, privileged: bool) -> Result<(), Errno> {
        if !(NEVER..=FIRST).contains(&value) {
            return Err(Errno::EINVAL);
        }
        if value < self.least.load(Ordering::Relaxed) && !privileged {
            return Err(Errno::EACCES);
        }
        if privileged {
            self.least.store(value, Ordering::Relaxed);
        }
        self.adjustment.store(value, Ordering::Relaxed);
        Ok(())
    }

    /// The adjustment in the old scale.
    pub fn legacy(&self) -> i32 {
        match self.adjustment() {
            FIRST => OLD_MOST,
            value => value * -OLD_NEVER / FIRST,
        }
    }

    /// Sets it in the old scale; errors as those of [`Self::set`].
    pub fn set_legacy(&self, value: i32, privileged: bool) -> Result<(), Errno> {
        match value {
            OLD_MOST => self.set(FIRST, privileged),
            OLD_NEVER..OLD_MOST => self.set(value * FIRST / -OLD_NEVER, privileged),
            _ => Err(Errno::EINVAL),
        }
    }

    /// How large a process of `pages` seems in a memory of `total`; None: it is not to be killed.
    pub fn score(&self, pages: u64, total: u64) -> Option<i64> {
        match i64::from(self.adjustment()) {
            adjustment if adjustment == i64::from(NEVER) => None,
            adjustment => Some(pages as i64 + adjustment * (total as i64 / 1000)),
        }
    }
}
