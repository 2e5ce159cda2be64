//! mremap(2).

use super::mapping::{Backing, Flags, Mapping, Object};
use super::{AddressSpace, LOWEST, MAX_MAPPINGS, Placement, SpaceError};
use crate::addr::{PAGE_SIZE, Page, PageRange, USER_END, VirtAddr};
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
    /// Where it is to be moved: [`Placement::Fixed`] in place of what is there (`MREMAP_FIXED`), otherwise a hint that counts only
    /// with `keep_old`.
    pub to: Placement,
    /// Whether the old range stays mapped, with nothing touched (`MREMAP_DONTUNMAP`).
    pub keep_old: bool,
}

/// A request in whole pages, whose arguments agree with each other.
#[derive(Clone, Copy)]
struct Checked {
    start: Page,
    /// Pages of the old range; the range may leave the program's addresses.
    old: u64,
    new: u64,
    may_move: bool,
    /// In place of what is there.
    fixed: Option<Page>,
    hint: VirtAddr,
    keep_old: bool,
}

impl RemapRequest {
    /// What Linux checks before it looks for a mapping.
    fn check(&self, mappings: usize) -> Result<Checked, SpaceError> {
        let whole = |length: u64| length.wrapping_add(PAGE_SIZE as u64 - 1) / PAGE_SIZE as u64;
        let (old, new) = (whole(self.old_length), whole(self.new_length));
        let user = Page::containing(USER_END).0;
        if !self.address.is_page_aligned() || new == 0 || new > user {
            return Err(SpaceError::InvalidArgument);
        }
        let (Placement::Fixed(to) | Placement::Vacant(to) | Placement::Hint(to)) = self.to;
        let checked = Checked {
            start: Page::containing(self.address),
            old,
            new,
            may_move: self.may_move,
            fixed: (!matches!(self.to, Placement::Hint(_))).then_some(Page::containing(to)),
            hint: to,
            keep_old: self.keep_old,
        };
        if !checked.names_target() {
            return Ok(checked);
        }
        let (start, target) = (checked.start.0, Page::containing(to).0);
        let beyond = !to.is_page_aligned() || target > user - new;
        let overlaps = start + old > target && target + new > start;
        if beyond || !self.may_move || (self.keep_old && old != new) || overlaps {
            return Err(SpaceError::InvalidArgument);
        }
        // A move may split the mappings at both ends of both ranges.
        if mappings + 5 >= MAX_MAPPINGS {
            return Err(SpaceError::NoMemory);
        }
        Ok(checked)
    }
}

impl Checked {
    /// Whether the request says where it is to be.
    const fn names_target(&self) -> bool {
        self.fixed.is_some() || self.keep_old
    }

    /// The pages of the old range that are kept.
    const fn kept(&self) -> u64 {
        if self.old < self.new {
            self.old
        } else {
            self.new
        }
    }
}

impl<O: Object> AddressSpace<O> {
    /// Resizes or moves a range; its pages go with it. A range of several mappings is moved as it is, with its gaps, by
    /// [`Placement::Fixed`] of its own length; what is cut off may be anything. The debt is to be paid after an error too: of
    /// several mappings the first ones may have been moved.
    ///
    /// # Errors
    /// As mremap(2): [`SpaceError::InvalidArgument`] for what is unaligned, zero or overlapping,
    /// [`SpaceError::BadAddress`] when what is kept of the old range is not within one mapping,
    /// [`SpaceError::TooMuchLocked`] and [`SpaceError::NoMemory`] over a limit or without room, [`SpaceError::Away`] when pages
    /// would have to move that are at another torus; nothing has changed then.
    pub fn remap<M: TableMemory>(
        &mut self,
        memory: &M,
        request: RemapRequest,
    ) -> (Result<VirtAddr, SpaceError>, FlushDebt) {
        let mut debt = FlushDebt::none();
        let result = self.remap_checked(memory, request, &mut debt);
        (result, debt)
    }

    fn remap_checked<M: TableMemory>(
        &mut self,
        memory: &M,
        request: RemapRequest,
        debt: &mut FlushDebt,
    ) -> Result<VirtAddr, SpaceError> {
        let checked = request.check(self.mappings.len())?;
        match checked.fixed {
            Some(to) if checked.old == checked.new => {
                self.move_parts(memory, &checked, to, debt)?;
                return Ok(to.start());
            }
            _ => {}
        }
        self.check_mapping(memory, &checked)?;
        let Checked {
            start, old, new, ..
        } = checked;
        let range = PageRange::at(start, old);
        let to = if let Some(to) = checked.fixed {
            PageRange::at(to, new)
        } else if checked.keep_old {
            let hinted = self.at_hint(checked.hint, new);
            let room = hinted.or_else(|| self.find_room(memory, new));
            room.ok_or(SpaceError::NoMemory)?
        } else if new <= old {
            if new < old {
                let cut = (old - new) * PAGE_SIZE as u64;
                *debt = self.unmap(memory, (start + new).start(), cut)?;
            }
            return Ok(start.start());
        } else if old > 0 && self.extends(range, PageRange::new(range.end, start + new)) {
            self.extend(start, new - old);
            return Ok(start.start());
        } else if checked.may_move {
            self.find_room(memory, new).ok_or(SpaceError::NoMemory)?
        } else {
            return Err(SpaceError::NoMemory);
        };
        self.move_to(memory, range, to, checked.keep_old, debt)?;
        Ok(to.start.start())
    }

    /// What Linux checks of the mapping at the start of the range. Pages that are only cut off may be in other mappings, and in none.
    fn check_mapping<M: TableMemory>(
        &self,
        memory: &M,
        checked: &Checked,
    ) -> Result<(), SpaceError> {
        let mapping = self.mappings.find(checked.start);
        let mapping = mapping.ok_or(SpaceError::BadAddress)?;
        let (old, new, kept) = (checked.old, checked.new, checked.kept());
        if new <= old && !checked.names_target() {
            return Ok(());
        }
        if old == 0 && mapping.is_private() {
            return Err(SpaceError::InvalidArgument);
        }
        if kept > mapping.range.end - checked.start {
            return Err(SpaceError::BadAddress);
        }
        if new == kept {
            let beyond = checked.start.0 + old > super::USER.end.0;
            return if beyond {
                Err(SpaceError::InvalidArgument)
            } else {
                Ok(())
            };
        }
        let more = new - kept;
        if mapping.flags.contains(Flags::LOCKED) && !self.may_lock(memory, more) {
            return Err(SpaceError::TooMuchLocked);
        }
        if !self.allows(memory, more, mapping.is_data()) {
            return Err(SpaceError::NoMemory);
        }
        Ok(())
    }

    /// Whether the limit allows to lock so many pages more.
    fn may_lock<M: TableMemory>(&self, memory: &M, more: u64) -> bool {
        let locked = self.locked_in(memory, VirtAddr(0), USER_END.0);
        (locked + more) * PAGE_SIZE as u64 <= self.limits.locked
    }

    /// Whether the range ends its mapping and can have the pages after it.
    fn extends(&self, old: PageRange, more: PageRange) -> bool {
        self.mappings
            .find(old.start)
            .is_some_and(|mapping| mapping.range.end == old.end)
            && more.end <= super::USER.end
            && !self.mappings.overlaps(more)
    }

    /// Makes the mapping that holds a page longer, into pages that are free.
    fn extend(&mut self, page: Page, more: u64) {
        let mut end = page;
        self.mappings.change_above(page, |mapping| {
            end = mapping.range.end + more;
            mapping.range.end = end;
        });
        self.mapped += more;
        self.mappings.join(end);
    }

    /// Moves the parts of all mappings in a range to the same distance from `to`.
    fn move_parts<M: TableMemory>(
        &mut self,
        memory: &M,
        checked: &Checked,
        to: Page,
        debt: &mut FlushDebt,
    ) -> Result<(), SpaceError> {
        let start = checked.start;
        let end = Page(start.0 + checked.old).min(super::USER.end);
        if self.mappings.find(start).is_none() {
            return Err(SpaceError::BadAddress);
        }
        if to < LOWEST {
            return Err(SpaceError::NotPermitted);
        }
        if self
            .table
            .next_away(memory, PageRange::new(start, end))
            .is_some()
        {
            return Err(SpaceError::Away);
        }
        let mut page = start;
        while let Some(mapping) = self.mappings.first_above(page) {
            let part = mapping.range.intersect(PageRange::new(page, end));
            if part.is_empty() {
                break;
            }
            let new = PageRange::at(to + (part.start - start), part.len());
            self.move_to(memory, part, new, checked.keep_old, debt)?;
            page = part.end;
        }
        Ok(())
    }

    /// Moves `old`, as much of it as fits and lies in one mapping, to `new`, in place of what is there; the rest of `old` goes. Empty
    /// `old` leaves the original mapping alone.
    fn move_to<M: TableMemory>(
        &mut self,
        memory: &M,
        old: PageRange,
        new: PageRange,
        keep_old: bool,
        debt: &mut FlushDebt,
    ) -> Result<(), SpaceError> {
        if new.start < LOWEST {
            return Err(SpaceError::NotPermitted);
        }
        let kept = PageRange::at(old.start, old.len().min(new.len()));
        let moved = self.moved(old, new).ok_or(SpaceError::BadAddress)?;
        let left = if keep_old { 0 } else { old.len() };
        if !self.allows(memory, new.len().saturating_sub(left), moved.is_data()) {
            return Err(SpaceError::NoMemory);
        }
        self.mappings.may_split(4)?;
        self.mappings.reserve(4, || memory.pause())?;
        self.table.split_edges(memory, old)?;
        self.table.split_edges(memory, kept)?;
        self.table.split_edges(memory, new)?;
        if self.table.next_away(memory, kept).is_some() {
            return Err(SpaceError::Away);
        }
        self.table.prepare(memory, kept, new.start)?;
        // From here on nothing fails.
        self.drop_mappings(memory, new, debt);
        self.table.relocate(memory, kept, new.start, debt);
        // The pages have moved: what goes now are the old mapping, a tail and tables. These last, as
        // the new mapping may need the same.
        if !keep_old {
            self.drop_mappings(memory, old, debt);
        }
        self.mapped += new.len();
        self.mappings.insert(moved);
        if !old.is_empty() && !keep_old {
            self.free_tables(memory, old, debt);
        }
        Ok(())
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
