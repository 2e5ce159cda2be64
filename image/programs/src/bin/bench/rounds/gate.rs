//! Where workers wait for each other without asking the kernel for anything.

use std::hint::spin_loop;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::memory::Shared;

/// A gate that opens when all workers have come, again and again.
#[derive(Debug)]
pub(super) struct Gate {
    came: Shared,
    workers: u32,
}

impl Gate {
    /// For so many workers, which are forked afterwards.
    pub(super) fn new(workers: u32) -> io::Result<Gate> {
        Ok(Gate {
            came: Shared::new()?,
            workers,
        })
    }

    /// Comes to the gate, and waits until as many have come as there are workers since it opened last.
    pub(super) fn pass(&self) {
        let came: NonNull<AtomicU32> = self.came.begin().cast();
        // SAFETY: G3, the memory is there while `came` is, is large enough, zero at first, and used as this number alone.
        let came = unsafe { came.as_ref() };
        let own = came.fetch_add(1, Ordering::AcqRel);
        let full = (own / self.workers + 1) * self.workers;
        while came.load(Ordering::Acquire) < full {
            spin_loop();
        }
    }
}
