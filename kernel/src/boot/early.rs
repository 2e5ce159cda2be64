//! Memory before there are tori: frames taken from the end of one usable range, for good or for the time of booting.

use super::{BootInfo, MemoryKind};
use crate::arch::paging;
use core::ops::Range;
use vm::addr::{PAGE_SIZE, PhysAddr};

/// No usable range is left for what booting needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarlyMemoryOut;

/// Takes frames from the end of the largest usable range, so that what is left of it stays whole.
#[derive(Debug)]
pub struct EarlyFrames {
    /// The range as the memory map has it, in bytes.
    whole: Range<u64>,
    /// End of what is still free of it.
    end: u64,
    /// What is needed only while booting.
    temporary: Range<u64>,
}

impl EarlyFrames {
    /// Over the memory map.
    ///
    /// # Errors
    /// [`EarlyMemoryOut`] when nothing is usable.
    pub fn new(info: &BootInfo) -> Result<Self, EarlyMemoryOut> {
        let usable = info
            .memory
            .iter()
            .filter(|range| range.kind == MemoryKind::Usable);
        let largest = usable.max_by_key(|range| range.len).ok_or(EarlyMemoryOut)?;
        let page = PAGE_SIZE as u64;
        let whole =
            largest.start.0.next_multiple_of(page)..(largest.start.0 + largest.len) / page * page;
        Ok(Self {
            end: whole.end,
            whole,
            temporary: 0..0,
        })
    }

    /// `count` frames in a row, zeroed.
    pub fn take(&mut self, count: u64) -> Option<PhysAddr> {
        let bytes = count.checked_mul(PAGE_SIZE as u64)?;
        let start = self
            .end
            .checked_sub(bytes)
            .filter(|start| *start >= self.whole.start)?;
        self.end = start;
        let at = PhysAddr(start);
        // SAFETY: K10, usable memory that nobody else has, mapped by the loader or by the kernel's own tables.
        unsafe { paging::phys_to_virt(at).write_bytes(0, bytes as usize) };
        Some(at)
    }

    /// Like [`Self::take`], for one block that is given back when the machine is up.
    pub fn take_temporary(&mut self, count: u64) -> Option<PhysAddr> {
        let at = self.take(count)?;
        self.temporary = at.0..at.0 + count * PAGE_SIZE as u64;
        Some(at)
    }

    /// What was taken for good, in bytes: one range, but for the temporary block inside it.
    pub fn taken(&self) -> Range<u64> {
        self.end..self.whole.end
    }

    /// The temporary block, in bytes.
    pub fn temporary(&self) -> Range<u64> {
        self.temporary.clone()
    }
}
