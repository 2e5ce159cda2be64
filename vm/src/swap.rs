//! Slots of the swap device: which are taken, and by how many entries.

use core::sync::atomic::{AtomicU16, AtomicU64, Ordering::Relaxed};

use crate::table::Slot;

/// The slot cannot be read or written: it is never taken again.
const BAD: u16 = 1 << 15;

/// The slots of one torus's swap device, in storage that the caller supplies. A slot is free when no
/// entry refers to it.
pub struct SlotTable<'a> {
    /// References, below [`BAD`].
    counts: &'a [AtomicU16],
    /// Where the next search begins.
    next: AtomicU64,
    free: AtomicU64,
    /// Bad slots to which no entry refers.
    retired: AtomicU64,
}

impl<'a> SlotTable<'a> {
    /// A table of `counts.len()` free slots; `counts` must be zero.
    pub fn new(counts: &'a [AtomicU16]) -> Self {
        Self {
            counts,
            next: AtomicU64::new(0),
            free: AtomicU64::new(counts.len() as u64),
            retired: AtomicU64::new(0),
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

    /// Slots that something refers to; exact while nothing changes.
    pub fn used(&self) -> u64 {
        let unused = self.available() + self.retired.load(Relaxed);
        self.capacity().saturating_sub(unused)
    }

    fn count(&self, slot: Slot) -> Option<&AtomicU16> {
        self.counts.get(usize::try_from(slot.0).ok()?)
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
        let more = |n: u16| {
            let next = n.wrapping_add(1);
            (n & !BAD != 0 && next & !BAD != 0).then_some(next)
        };
        self.count(slot)
            .is_some_and(|count| count.fetch_update(Relaxed, Relaxed, more).is_ok())
    }

    /// An entry does not refer to the slot any more; true when nothing does now.
    pub fn release(&self, slot: Slot) -> bool {
        let Some(count) = self.count(slot) else {
            return false;
        };
        let less = |n: u16| (n & !BAD != 0).then(|| n - 1);
        match count.fetch_update(Relaxed, Relaxed, less) {
            Ok(1) => self.free.fetch_add(1, Relaxed),
            Ok(old) if old == BAD | 1 => self.retired.fetch_add(1, Relaxed),
            _ => return false,
        };
        true
    }

    /// The device failed at the slot, which has a reference: what is in it is lost, and it is never taken again.
    pub fn retire(&self, slot: Slot) {
        if let Some(count) = self.count(slot) {
            count.fetch_or(BAD, Relaxed);
        }
    }

    /// Whether the device has failed at the slot.
    pub fn is_bad(&self, slot: Slot) -> bool {
        self.count(slot)
            .is_none_or(|count| count.load(Relaxed) & BAD != 0)
    }

    /// Entries that refer to the slot.
    pub fn references(&self, slot: Slot) -> u16 {
        self.count(slot)
            .map_or(0, |count| count.load(Relaxed) & !BAD)
    }
}
