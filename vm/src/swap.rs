//! Slots of the swap device: which are taken, by how many entries, and what their pages' checksums are.

use core::ops::Range;
use core::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::addr::PAGE_SIZE;
use crate::table::Slot;

/// The slot cannot be read or written: it is never taken again.
const BAD: u16 = 1 << 15;

/// Slots of a block.
pub const BLOCK: usize = 512;

/// The slots of one torus's swap device, in storage that the caller supplies. A slot is free when no
/// entry refers to it.
pub struct SlotTable<'a> {
    /// References, below [`BAD`].
    counts: &'a [AtomicU16],
    /// Checksums of the pages in them.
    sums: &'a [AtomicU32],
    /// Free slots by block, so that full ones are passed over. A count may lag behind for a moment.
    blocks: &'a [AtomicU16],
    /// What the checksums are made with.
    key: u64,
    /// Where the next search begins.
    next: AtomicU64,
    free: AtomicU64,
    /// Bad slots to which no entry refers.
    retired: AtomicU64,
}

impl<'a> SlotTable<'a> {
    /// A table of as many free slots as the lists have, `blocks` for each [`BLOCK`] of them; `counts` must be zero, and `key` known to
    /// nobody else.
    pub fn new(
        counts: &'a [AtomicU16],
        sums: &'a [AtomicU32],
        blocks: &'a [AtomicU16],
        key: u64,
    ) -> Self {
        let most = sums.len().min(blocks.len().saturating_mul(BLOCK));
        let counts = &counts[..counts.len().min(most)];
        for (block, slots) in blocks.iter().zip(counts.chunks(BLOCK)) {
            block.store(slots.len() as u16, Relaxed);
        }
        Self {
            counts,
            sums,
            blocks,
            key,
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
    /// pages evicted together lie together, with a `pause` after some looks.
    pub fn take(&self, pause: impl Fn()) -> Option<Slot> {
        let length = self.counts.len();
        if self.available() == 0 {
            return None;
        }
        let from = self.next.load(Relaxed) as usize % length;
        let (first, blocks) = (from / BLOCK, length.div_ceil(BLOCK));
        // The first block twice: from where the search begins, and at last up to there.
        (0..=blocks).find_map(|step| {
            if step % BLOCK == BLOCK - 1 {
                pause();
            }
            let block = (first + step) % blocks;
            if self.blocks[block].load(Relaxed) == 0 {
                return None;
            }
            let start = if step == 0 { from } else { block * BLOCK };
            let found = self.take_within(start..length.min((block + 1) * BLOCK));
            pause();
            found
        })
    }

    /// Takes the first free slot of those of one block.
    fn take_within(&self, slots: Range<usize>) -> Option<Slot> {
        let is_taken = |at: &usize| {
            let count = &self.counts[*at];
            count.compare_exchange(0, 1, Relaxed, Relaxed).is_ok()
        };
        let at = slots.into_iter().find(is_taken)?;
        self.free.fetch_sub(1, Relaxed);
        self.blocks[at / BLOCK].fetch_sub(1, Relaxed);
        self.next.store(at as u64 + 1, Relaxed);
        Some(Slot(at as u64))
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
            Ok(1) => {
                self.blocks[slot.0 as usize / BLOCK].fetch_add(1, Relaxed);
                self.free.fetch_add(1, Relaxed)
            }
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

    /// Notes what is about to be written to the slot.
    pub fn seal(&self, slot: Slot, page: &[u8; PAGE_SIZE]) {
        if let Some(sum) = self.sums.get(slot.0 as usize) {
            sum.store(checksum(page, self.key), Relaxed);
        }
    }

    /// Whether what has been read from the slot is what was written to it.
    pub fn is_intact(&self, slot: Slot, page: &[u8; PAGE_SIZE]) -> bool {
        let sum = self.sums.get(slot.0 as usize);
        sum.is_some_and(|sum| sum.load(Relaxed) == checksum(page, self.key))
    }

    /// Entries that refer to the slot.
    pub fn references(&self, slot: Slot) -> u16 {
        self.count(slot)
            .map_or(0, |count| count.load(Relaxed) & !BAD)
    }
}

/// A checksum that cannot be aimed at without the key: a polynomial in it modulo 2^61 - 1, whose coefficients are the page.
fn checksum(page: &[u8; PAGE_SIZE], key: u64) -> u32 {
    let key = (key & PRIME).max(3);
    let (words, _) = page.as_chunks();
    let sum = words.iter().fold(1, |sum, word| {
        let word = u64::from_le_bytes(*word);
        multiply(
            multiply(sum + (word & 0xffff_ffff), key) + (word >> 32),
            key,
        )
    });
    (sum ^ sum >> 32) as u32
}

const PRIME: u64 = (1 << 61) - 1;

fn multiply(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    let sum = (product as u64 & PRIME) + (product >> 61) as u64;
    (sum & PRIME) + (sum >> 61)
}

#[cfg(test)]
mod tests;
