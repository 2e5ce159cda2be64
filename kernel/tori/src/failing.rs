//! Allocations that fail although there is memory: tests have each one of an operation fail in turn. Only with the boot word
//! `fail-allocations`.

use super::Torus;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use machine::boot;

/// What is to fail on a torus.
pub(super) struct Failing {
    /// So many allocations from now on the last one fails; 0: none.
    left: AtomicU64,
    /// It fails as if memory were short, and may come: who needs it waits, and tries again.
    short: AtomicBool,
}

impl Failing {
    pub(super) const fn new() -> Self {
        Self {
            left: AtomicU64::new(0),
            short: AtomicBool::new(false),
        }
    }
}

impl Torus {
    /// Has allocation number `count` from now on fail, of the heap's, of frames for programs and of reservations; 0: none. With
    /// `short` it fails as if memory were short. Answers how many were to come before the last one that was asked for, 0 when
    /// that one has failed. `None` without the boot word.
    pub fn fail(&self, count: u64, short: bool) -> Option<u64> {
        if !boot::info().command_line.fail_allocations {
            return None;
        }
        self.failing.short.store(short, Ordering::Relaxed);
        Some(self.failing.left.swap(count, Ordering::Relaxed))
    }

    /// Whether the allocation that is asked for fails.
    #[inline]
    pub(super) fn fails(&self) -> bool {
        self.failing.left.load(Ordering::Relaxed) != 0 && self.fails_now()
    }

    #[cold]
    fn fails_now(&self) -> bool {
        let left = &self.failing.left;
        let before = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(1)
        });
        let now = before == Ok(1);
        if now && self.failing.short.load(Ordering::Relaxed) {
            self.note_shortage();
        }
        now
    }
}
