//! Slots of the swap device: which are taken, and by how many entries.

use core::sync::atomic::{AtomicU16, AtomicU64, Ordering::Relaxed};

use crate::table::Slot;

/// The slots of one torus's share of the swap device, in storage that the caller supplies. A slot is
/// free when no entry refers to it.
pub struct SlotTable<'a> {
    counts: &'a [AtomicU16],
    /// Where the next search begins.
    next: AtomicU64,
    free: AtomicU64,
}

impl<'a> SlotTable<'a> {
    /// A table of `counts.len()` free slots; `counts` must be zero.
    pub fn new(counts: &'a [AtomicU16]) -> Self {
        Self {
            counts,
            next: AtomicU64::new(0),
            free: AtomicU64::new(counts.len() as u64),
        }
    }

    /// Slots that are free.
    pub fn available(&self) -> u64 {
        self.free.load(Relaxed)
    }

    /// Slots in all.
    pub fn capacity(&self) -> u64 {
        self.counts.len() as u64
    }

    /// Takes a free slot with one reference; none when the device is full. Searches next-fit, so that
    /// pages evicted together lie together.
    pub fn take(&self) -> Option<Slot> {
        let length = self.counts.len();
        if self.available() == 0 {
            return None;
        }
        let from = self.next.load(Relaxed) as usize % length;
        for at in (from..length).chain(0..from) {
            if self.counts[at]
                .compare_exchange(0, 1, Relaxed, Relaxed)
                .is_ok()
            {
                self.free.fetch_sub(1, Relaxed);
                self.next.store(at as u64 + 1, Relaxed);
                return Some(Slot(at as u64));
            }
        }
        None
    }

    /// One more entry refers to the slot. False when it has as many as it can count.
    #[must_use]
    pub fn share(&self, slot: Slot) -> bool {
        self.counts.get(slot.0 as usize).is_some_and(|count| {
            count
                .fetch_update(Relaxed, Relaxed, |n| {
                    if n == 0 { None } else { n.checked_add(1) }
                })
                .is_ok()
        })
    }

    /// An entry does not refer to the slot any more; true when it is free now.
    pub fn release(&self, slot: Slot) -> bool {
        let Some(count) = self.counts.get(slot.0 as usize) else {
            return false;
        };
        let last = count.fetch_update(Relaxed, Relaxed, |n| n.checked_sub(1)) == Ok(1);
        if last {
            self.free.fetch_add(1, Relaxed);
        }
        last
    }

    /// Entries that refer to the slot.
    pub fn references(&self, slot: Slot) -> u16 {
        self.counts
            .get(slot.0 as usize)
            .map_or(0, |count| count.load(Relaxed))
    }
}
