//! Memory before there are tori: frames taken from the end of one usable range, for good or for the time of booting.

use super::BootInfo;
use crate::paging;
use braid_firmware::memory::MemoryKind;
use core::mem::MaybeUninit;
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
    temporary: heapless::Vec<Range<u64>, MAX_TEMPORARY>,
}

/// Temporary blocks at most.
const MAX_TEMPORARY: usize = 8;

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
        let whole = largest.start.next_multiple_of(page)..largest.end() / page * page;
        Ok(Self {
            end: whole.end,
            whole,
            temporary: heapless::Vec::new(),
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
        // SAFETY: K11, usable memory that nobody else has, mapped by the loader or by the kernel's own tables.
        unsafe { paging::phys_to_virt(at).write_bytes(0, bytes as usize) };
        Some(at)
    }

    /// Like [`Self::take`], for memory that is given back when the machine is up; a few times only.
    pub fn take_temporary(&mut self, count: u64) -> Option<PhysAddr> {
        let at = self.take(count)?;
        let block = at.0..at.0 + count * PAGE_SIZE as u64;
        // Neighbours become one.
        match self.temporary.last_mut() {
            Some(last) if last.start == block.end => last.start = block.start,
            _ => self.temporary.push(block).ok()?,
        }
        Some(at)
    }

    /// An empty list with room for `room` values, in temporary memory.
    pub fn list<T>(&mut self, room: usize) -> Option<List<T>> {
        let bytes = room.checked_mul(size_of::<T>())?.max(1);
        let at = self.take_temporary(bytes.div_ceil(PAGE_SIZE) as u64)?;
        let place = paging::phys_to_virt(at).cast();
        // SAFETY: K11, memory for that many values, nobody else's until it is given back.
        let place = unsafe { core::slice::from_raw_parts_mut(place, room) };
        Some(List { place, len: 0 })
    }

    /// What was taken, in bytes: one range, with the temporary blocks inside it.
    pub fn taken(&self) -> Range<u64> {
        self.end..self.whole.end
    }

    /// The temporary blocks, in bytes.
    pub fn temporary(&self) -> &[Range<u64>] {
        &self.temporary
    }
}

/// A list with room for a number of values that is known when it is made. Values are not dropped.
pub struct List<T: 'static> {
    place: &'static mut [MaybeUninit<T>],
    len: usize,
}

impl<T> List<T> {
    /// Appends a value; false when there is no room.
    #[must_use]
    pub fn push(&mut self, value: T) -> bool {
        let Some(place) = self.place.get_mut(self.len) else {
            return false;
        };
        place.write(value);
        self.len += 1;
        true
    }

    /// Makes it empty.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Its values.
    pub fn as_slice(&self) -> &[T] {
        // SAFETY: K11, the first `len` values were written.
        unsafe { self.place[..self.len].assume_init_ref() }
    }

    /// Its values, to change them.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: K11, the first `len` values were written.
        unsafe { self.place[..self.len].assume_init_mut() }
    }
}
