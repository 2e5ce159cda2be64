//! Snapshots: what a range of private memory shows now, shared with whoever takes it until one of the two writes.

use super::mapping::{Backing, Mapping, Object};
use super::{AddressSpace, SpaceError, pages};
use crate::addr::{Frame, Page, PageRange, VirtAddr};
use crate::flush::FlushDebt;
use crate::table::{Away, Entry, TableMemory};

/// Pages that are told of between two pauses.
const PIECE: u64 = 16;

/// What a page shows.
#[derive(Clone, Debug)]
pub enum Seen<O> {
    /// Zeros.
    Zero,
    /// A private frame, with a reference for whoever is told.
    Frame(Frame),
    /// A page of an object, which nobody has written to here.
    Object(O, u64),
}

impl<O: Object> AddressSpace<O> {
    /// Checks that a range can be shared as it is, and answers with its first page, of those from page `from` on, that is in a swap slot
    /// or at another torus: it has to be made present first.
    ///
    /// # Errors
    /// [`SpaceError::InvalidArgument`] for an unaligned or empty range, [`SpaceError::NoMemory`] when part of it is not mapped,
    /// [`SpaceError::Denied`] when part of it may not be read, or is shared memory that others may write to.
    pub fn check_snapshot<M: TableMemory>(
        &self,
        memory: &M,
        address: VirtAddr,
        length: u64,
        from: Page,
    ) -> Result<Option<Page>, SpaceError> {
        let range = whole_pages(address, length)?;
        let mut away = None;
        for (part, mapping) in self.parts(range) {
            let mapping = mapping.ok_or(SpaceError::NoMemory)?;
            let settled = match &mapping.backing {
                Backing::Object { object, .. } => mapping.is_private() || object.is_content(),
                Backing::Zero => true,
            };
            if mapping.rights.is_empty() || !settled {
                return Err(SpaceError::Denied);
            }
            memory.pause();
            let rest = PageRange::new(part.start.max(from), part.end);
            if away.is_none() && !rest.is_empty() {
                away = self.next_elsewhere(memory, rest);
            }
        }
        Ok(away)
    }

    /// The first page of a range that is in a swap slot or at another torus.
    fn next_elsewhere<M: TableMemory>(&self, memory: &M, range: PageRange) -> Option<Page> {
        let away = self.table.next_away(memory, range);
        let away = away.map(|(Away::Page(page, _) | Away::Folded(page, _))| page);
        away.into_iter()
            .chain(self.next_swapped(memory, range))
            .min()
    }

    /// Calls `tell` with the number of each page in the range, counted from its start, and what it shows; until it answers false.
    /// From now on a write to the range is to a copy. The range has passed [`AddressSpace::check_snapshot`] under the same lock.
    ///
    /// # Errors
    /// [`SpaceError::NoMemory`] when a table has to be split and there is no frame for it; nothing was told then.
    pub fn snapshot<M: TableMemory>(
        &mut self,
        memory: &M,
        address: VirtAddr,
        length: u64,
        mut tell: impl FnMut(u64, Seen<O>) -> bool,
    ) -> Result<FlushDebt, SpaceError> {
        let range = whole_pages(address, length)?;
        self.table.split_edges(memory, range)?;
        self.table.split_all(memory, range)?;
        let mut debt = FlushDebt::none();
        self.table.rewrite(memory, range, &mut debt, |entry| {
            if entry.is_counted() && !entry.is_of_object() {
                entry.read_only()
            } else {
                entry
            }
        });
        for (part, mapping) in self.parts(range) {
            let Some(mapping) = mapping else { break };
            for page in part.iter() {
                let entry = self.table.find(memory, page).0;
                if !tell(page - range.start, seen(memory, mapping, page, entry)) {
                    return Ok(debt);
                }
                if page.0.is_multiple_of(PIECE) {
                    memory.pause();
                }
            }
        }
        Ok(debt)
    }

    /// The parts of a range, ascending, with their mappings; none for a hole, with which it ends.
    fn parts(&self, range: PageRange) -> impl Iterator<Item = (PageRange, Option<&Mapping<O>>)> {
        let mut page = range.start;
        core::iter::from_fn(move || {
            if page >= range.end {
                return None;
            }
            let mapping = self.mappings.find(page);
            let end = mapping.map_or(range.end, |mapping| mapping.range.end.min(range.end));
            let part = PageRange::new(page, end);
            page = end;
            Some((part, mapping))
        })
    }
}

fn whole_pages(address: VirtAddr, length: u64) -> Result<PageRange, SpaceError> {
    let size = crate::addr::PAGE_SIZE as u64;
    if length == 0 || !length.is_multiple_of(size) || !address.is_page_aligned() {
        return Err(SpaceError::InvalidArgument);
    }
    pages(address, length).ok_or(SpaceError::NoMemory)
}

fn seen<M: TableMemory, O: Object>(
    memory: &M,
    mapping: &Mapping<O>,
    page: Page,
    entry: Entry,
) -> Seen<O> {
    if entry.is_counted() && !entry.is_of_object() {
        memory.frames().share(entry.frame());
        return Seen::Frame(entry.frame());
    }
    match &mapping.backing {
        Backing::Zero => Seen::Zero,
        Backing::Object { object, offset, .. } => {
            Seen::Object(object.clone(), offset + (page - mapping.range.start))
        }
    }
}
