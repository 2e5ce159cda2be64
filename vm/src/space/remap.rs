//! mremap(2).

use super::mapping::{Backing, Mapping, Object};
use super::{AddressSpace, LOWEST, SpaceError, pages};
use crate::addr::{PAGE_SIZE, PageRange, VirtAddr};
use crate::flush::FlushDebt;
use crate::table::TableMemory;

/// What to move or resize.
#[derive(Clone, Copy, Debug)]
pub struct RemapRequest {
    /// Start of the old range.
    pub address: VirtAddr,
    /// Its length in bytes; 0 makes another mapping of the same shared object.
    pub old_length: u64,
    /// The length in bytes that it is to have.
    pub new_length: u64,
    /// Whether it may be moved (`MREMAP_MAYMOVE`).
    pub may_move: bool,
    /// Where it is to be moved, in place of what is there (`MREMAP_FIXED`).
    pub fixed: Option<VirtAddr>,
    /// Whether the old range stays mapped, with nothing touched (`MREMAP_DONTUNMAP`).
    pub keep_old: bool,
}

/// Where it is now, and what is owed.
#[derive(Debug)]
pub struct Remapped {
    /// Start of the new range.
    pub address: VirtAddr,
    /// The debt.
    pub debt: FlushDebt,
}

impl<O: Object> AddressSpace<O> {
    /// Resizes or moves a range of one mapping; its pages go with it.
    ///
    /// # Errors
    /// As mremap(2): [`SpaceError::InvalidArgument`] for what is unaligned, zero or overlapping,
    /// [`SpaceError::BadAddress`] when what is kept of the old range is not within one mapping,
    /// [`SpaceError::NoMemory`] without room, [`SpaceError::Away`] when pages would have to move that are at another torus.
    pub fn remap<M: TableMemory>(
        &mut self,
        memory: &M,
        request: RemapRequest,
    ) -> Result<Remapped, SpaceError> {
        let RemapRequest {
            address,
            old_length,
            new_length,
            may_move,
            fixed,
            keep_old,
        } = request;
        let moves = fixed.is_some() || keep_old;
        if new_length == 0 || (moves && !may_move) || (keep_old && old_length != new_length) {
            return Err(SpaceError::InvalidArgument);
        }
        if !address.is_page_aligned() {
            return Err(SpaceError::InvalidArgument);
        }
        let count = pages(VirtAddr(0), new_length)
            .ok_or(SpaceError::InvalidArgument)?
            .len();
        let mapping = self.find(address).ok_or(SpaceError::BadAddress)?;
        let old = pages(address, old_length).ok_or(SpaceError::InvalidArgument)?;
        let is_data = mapping.is_data();
        // What is cut off goes as munmap(2) does it, across mappings and holes.
        let kept = PageRange::at(old.start, old.len().min(count));
        if !mapping.range.covers(kept) {
            return Err(SpaceError::BadAddress);
        }
        if old.is_empty() && (mapping.is_private() || !may_move) {
            return Err(SpaceError::InvalidArgument);
        }
        if let Some(to) = fixed {
            let to = self.target(old, to, count)?;
            return self.move_to(memory, old, to, keep_old);
        }
        if !old.is_empty() && count <= old.len() && !keep_old {
            let debt = if count == old.len() {
                FlushDebt::none()
            } else {
                self.mappings.reserve(1)?;
                self.take_away(memory, PageRange::new(old.start + count, old.end))?
            };
            return Ok(Remapped { address, debt });
        }
        let more = PageRange::new(old.end, old.start + count);
        if !old.is_empty() && !keep_old && self.extends(old, more) {
            if !self.allows(more.len(), is_data) {
                return Err(SpaceError::NoMemory);
            }
            if let Some(mapping) = self.mappings.first_above_mut(old.start) {
                mapping.range.end = more.end;
            }
            self.mapped += more.len();
            self.mappings.join(more.end);
            return Ok(Remapped {
                address,
                debt: FlushDebt::none(),
            });
        }
        if !may_move {
            return Err(SpaceError::NoMemory);
        }
        let to = self.find_room(count).ok_or(SpaceError::NoMemory)?;
        self.move_to(memory, old, to, keep_old)
    }

    /// Whether the range ends its mapping and can have the pages after it.
    fn extends(&self, old: PageRange, more: PageRange) -> bool {
        self.find(old.start.start())
            .is_some_and(|mapping| mapping.range.end == old.end)
            && more.end <= super::USER.end
            && !self.mappings.overlaps(more)
    }

    fn target(&self, old: PageRange, to: VirtAddr, count: u64) -> Result<PageRange, SpaceError> {
        let range = pages(to, count * PAGE_SIZE as u64).ok_or(SpaceError::InvalidArgument)?;
        if range.start < old.end && old.start < range.end {
            return Err(SpaceError::InvalidArgument);
        }
        if range.start < LOWEST {
            Err(SpaceError::NotPermitted)
        } else {
            Ok(range)
        }
    }

    /// Moves `old` (as much of it as fits) to `new`, in place of what is there. Empty `old` leaves the original mapping alone.
    fn move_to<M: TableMemory>(
        &mut self,
        memory: &M,
        old: PageRange,
        new: PageRange,
        keep_old: bool,
    ) -> Result<Remapped, SpaceError> {
        let kept = PageRange::at(old.start, old.len().min(new.len()));
        let moved = self.moved(old, new).ok_or(SpaceError::BadAddress)?;
        let left = if keep_old { 0 } else { old.len() };
        if !self.allows(new.len().saturating_sub(left), moved.is_data()) {
            return Err(SpaceError::NoMemory);
        }
        self.mappings.reserve(4)?;
        self.table.split_edges(memory, old)?;
        self.table.split_edges(memory, kept)?;
        self.table.split_edges(memory, new)?;
        if self.table.next_away(memory, kept).is_some() {
            return Err(SpaceError::Away);
        }
        self.table.prepare(memory, kept, new.start)?;
        // From here on nothing fails.
        let mut debt = FlushDebt::none();
        self.drop_mappings(memory, new, &mut debt);
        self.table.relocate(memory, kept, new.start, &mut debt);
        // The pages have moved: what goes now are the old mapping, a tail and tables. These last, as
        // the new mapping may need the same.
        if !keep_old {
            self.drop_mappings(memory, old, &mut debt);
        }
        self.mapped += new.len();
        self.mappings.insert(moved);
        if !old.is_empty() && !keep_old {
            self.free_tables(memory, old, &mut debt);
        }
        Ok(Remapped {
            address: new.start.start(),
            debt,
        })
    }

    /// The mapping that `old` becomes at `new`.
    fn moved(&self, old: PageRange, new: PageRange) -> Option<Mapping<O>> {
        let source = self.mappings.find(old.start)?;
        let skipped = old.start - source.range.start;
        let mut moved = source.clone();
        moved.range = new;
        moved.origin += skipped;
        if let Backing::Object { offset, .. } = &mut moved.backing {
            *offset += skipped;
        }
        Some(moved)
    }
}
