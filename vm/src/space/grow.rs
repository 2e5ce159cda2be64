//! The heap (brk(2)) and mappings that grow down.

use super::mapping::{Backing, Flags, Mapping, Object};
use super::{AddressSpace, MapRequest, Placement, STACK_GUARD, SpaceError};
use crate::addr::{PAGE_SIZE, Page, PageRange, VirtAddr};
use crate::flush::FlushDebt;
use crate::table::{Rights, TableMemory};

impl<O: Object> AddressSpace<O> {
    /// Says where the heap begins: at the end of the program's image.
    pub const fn set_heap_start(&mut self, start: VirtAddr) {
        self.heap = (start, start);
    }

    /// Moves the break, as brk(2): answers with the new one, or with the old one where it cannot be moved.
    pub fn set_break<M: TableMemory>(&mut self, memory: &M, to: VirtAddr) -> (VirtAddr, FlushDebt) {
        let (start, old) = self.heap;
        let none = FlushDebt::none();
        if to < start || to.0 - start.0 > self.limits.data || to >= crate::addr::USER_END {
            return (old, none);
        }
        let page = |address: VirtAddr| Page(address.0.div_ceil(PAGE_SIZE as u64));
        let (old_end, new_end) = (page(old), page(to));
        let moved = if new_end > old_end {
            let grown = PageRange::new(old_end, new_end);
            // Room for a guard must stay free above.
            if self.mappings.overlaps(PageRange::new(old_end, new_end + 1)) {
                return (old, none);
            }
            let request = MapRequest {
                placement: Placement::Vacant(grown.start.start()),
                length: grown.len() * PAGE_SIZE as u64,
                rights: Rights::READ | Rights::WRITE,
                maximum: Rights::all(),
                flags: Flags::HEAP,
                backing: Backing::Zero,
            };
            self.map(memory, request).map(|(_, debt)| debt)
        } else if new_end < old_end {
            self.unmap(
                memory,
                new_end.start(),
                (old_end - new_end) * PAGE_SIZE as u64,
            )
        } else {
            Ok(FlushDebt::none())
        };
        match moved {
            Ok(debt) => {
                self.heap.1 = to;
                (to, debt)
            }
            Err(_) => (old, none),
        }
    }

    /// Whether the first mapping above `page` may grow down to it.
    pub(crate) fn growable(&self, page: Page) -> Result<(), GrowError> {
        let (above, mut below) = self.mappings.around(page);
        let mapping = above.ok_or(GrowError::NotMapped)?;
        if !mapping.flags.contains(Flags::GROWS_DOWN) || mapping.range.contains(page) {
            return Err(GrowError::NotMapped);
        }
        let size = (mapping.range.end - page) * PAGE_SIZE as u64;
        let total = (self.mapped + (mapping.range.start - page)) * PAGE_SIZE as u64;
        if page < super::LOWEST || size > self.limits.stack || total > self.limits.address_space {
            return Err(GrowError::Limit);
        }
        match below.next() {
            Some(below) if blocks(below) && page - below.range.end < STACK_GUARD => {
                Err(GrowError::Guard)
            }
            _ => Ok(()),
        }
    }

    /// Extends a mapping that grows down to `page`; `resolve` said [`crate::fault::Recipe::Grow`].
    ///
    /// # Errors
    /// [`SpaceError::NoMemory`] when it may not.
    pub fn grow(&mut self, page: Page) -> Result<(), SpaceError> {
        self.growable(page).map_err(|_| SpaceError::NoMemory)?;
        let mapping = self.mappings.first_above(page);
        let mapping = mapping.ok_or(SpaceError::NoMemory)?;
        let more = mapping.range.start - page;
        // Nothing lies before the first page of an object, or of the reverse map.
        let reaches = mapping.origin >= more
            && match &mapping.backing {
                Backing::Object { offset, .. } => *offset >= more,
                Backing::Zero => true,
            };
        if !reaches {
            return Err(SpaceError::NoMemory);
        }
        self.mappings.change_above(page, |mapping| {
            mapping.range.start = page;
            mapping.origin -= more;
            if let Backing::Object { offset, .. } = &mut mapping.backing {
                *offset -= more;
            }
        });
        self.mapped += more;
        Ok(())
    }
}

/// Whether a mapping keeps one that grows down at a distance (Linux: inaccessible ones do not).
fn blocks<O>(mapping: &Mapping<O>) -> bool {
    !mapping.flags.contains(Flags::GROWS_DOWN) && !mapping.rights.is_empty()
}

/// Why nothing grows down to a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GrowError {
    /// The mapping above does not grow.
    NotMapped,
    /// The stack's or the space's limit is reached.
    Limit,
    /// It would come too near to the mapping below.
    Guard,
}
