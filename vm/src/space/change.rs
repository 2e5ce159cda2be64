//! mprotect(2), madvise(2), mincore(2), msync(2).

use super::mapping::{Backing, Flags, Mapping, Object};
use super::{AddressSpace, SpaceError, USER, pages};
use crate::addr::{Frame, PAGE_SIZE, PAGES_PER_2M, Page, PageRange, VirtAddr};
use crate::flush::FlushDebt;
use crate::table::{Entry, Released, Rights, State, TableMemory};

/// Advice that changes something here; the other kinds are the caller's to accept or refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// The content is not needed: private pages are made afresh when touched (`MADV_DONTNEED`).
    DontNeed,
    /// As [`Advice::DontNeed`], what is locked too (`MADV_DONTNEED_LOCKED`).
    DontNeedLocked,
    /// The content may go: it goes at once (`MADV_FREE`). Private anonymous memory only.
    Free,
    /// The mappings are to have this trait: [`Flags::HUGE`], [`Flags::DONT_FORK`], [`Flags::WIPE_ON_FORK`],
    /// [`Flags::LOCKED`].
    Set(Flags),
    /// They are to have it no more.
    Clear(Flags),
}

impl<O: Object> AddressSpace<O> {
    /// Sets the rights of a range. What lies before the first obstacle is changed, as on Linux: the debt is
    /// to be paid after an error too.
    ///
    /// # Errors
    /// As mprotect(2): [`SpaceError::InvalidArgument`] for an unaligned address,
    /// [`SpaceError::NoMemory`] at a page that is not mapped, or when a split finds no room,
    /// [`SpaceError::Denied`] at a mapping that does not allow the rights.
    pub fn protect<M: TableMemory>(
        &mut self,
        memory: &M,
        address: VirtAddr,
        length: u64,
        rights: Rights,
    ) -> (Result<(), SpaceError>, FlushDebt) {
        let mut debt = FlushDebt::none();
        let result = self.protect_parts(memory, address, length, rights, &mut debt);
        (result, debt)
    }

    /// As [`AddressSpace::protect`], of the first part of a long range; answers how many bytes that is.
    pub fn protect_piece<M: TableMemory>(
        &mut self,
        memory: &M,
        address: VirtAddr,
        length: u64,
        rights: Rights,
    ) -> (Result<u64, SpaceError>, FlushDebt) {
        let whole = pages(address, length);
        let bytes = whole.map_or(length, |range| self.piece(memory, range) * PAGE_SIZE as u64);
        let (result, debt) = self.protect(memory, address, bytes, rights);
        (result.map(|()| bytes), debt)
    }

    fn protect_parts<M: TableMemory>(
        &mut self,
        memory: &M,
        address: VirtAddr,
        length: u64,
        rights: Rights,
        debt: &mut FlushDebt,
    ) -> Result<(), SpaceError> {
        if !address.is_page_aligned() {
            return Err(SpaceError::InvalidArgument);
        }
        if length == 0 {
            return Ok(());
        }
        // Nothing beyond the program's addresses is mapped.
        let end = Page(address.0.saturating_add(length).div_ceil(PAGE_SIZE as u64));
        let range = PageRange::new(Page::containing(address), end);
        let mut page = range.start;
        while page < range.end {
            let mapping = self.mappings.find(page).ok_or(SpaceError::NoMemory)?;
            if !mapping.maximum.contains(rights) {
                return Err(SpaceError::Denied);
            }
            let part = PageRange::new(page, mapping.range.end.min(range.end));
            if mapping.rights != rights {
                self.protect_part(memory, part, rights, debt)?;
            }
            page = part.end;
            if page < range.end {
                memory.pause();
            }
        }
        Ok(())
    }

    /// Sets the rights of a part of one mapping.
    fn protect_part<M: TableMemory>(
        &mut self,
        memory: &M,
        part: PageRange,
        rights: Rights,
        debt: &mut FlushDebt,
    ) -> Result<(), SpaceError> {
        self.table.split_edges(memory, part)?;
        if rights.is_empty() {
            // There is no parked entry of 2 MiB.
            self.table.split_all(memory, part)?;
        }
        let pause = || memory.pause();
        let private = self.mappings.isolate(part, pause, |mapping| {
            mapping.rights = rights;
            mapping.is_private()
        })?;
        let frames = *memory.frames();
        let sole = Entry::leaf(Frame(0), rights);
        let shared = Entry::leaf(Frame(0), rights.without_write());
        self.table.rewrite(memory, part, debt, |entry| {
            if !entry.holds_frame() {
                return entry;
            }
            let is_sole = !private || entry.is_counted() && frames.is_exclusive(entry.frame());
            entry.with_rights_of(if is_sole { sole } else { shared })
        });
        self.mappings.join(part.start);
        self.mappings.join(part.end);
        Ok(())
    }

    /// Follows advice on a range. Parts that are not mapped are passed over.
    ///
    /// # Errors
    /// As madvise(2): [`SpaceError::InvalidArgument`] for an unaligned address, or for
    /// [`Advice::Free`] and [`Flags::WIPE_ON_FORK`] on other than private anonymous memory, or for what would take locked pages away. That part of the range is not mapped
    /// ([`SpaceError::NoMemory`]) is for the caller to tell by [`AddressSpace::is_mapped`], after this.
    pub fn advise<M: TableMemory>(
        &mut self,
        memory: &M,
        address: VirtAddr,
        length: u64,
        advice: Advice,
    ) -> Result<FlushDebt, SpaceError> {
        if !address.is_page_aligned() {
            return Err(SpaceError::InvalidArgument);
        }
        let end = Page(address.0.saturating_add(length).div_ceil(PAGE_SIZE as u64));
        let range = PageRange::new(Page::containing(address), end).intersect(USER);
        let is_object = |mapping: &Mapping<O>| !matches!(mapping.backing, Backing::Zero);
        let takes = matches!(advice, Advice::DontNeed | Advice::Free);
        let is_locked = |mapping: &Mapping<O>| mapping.flags.contains(Flags::LOCKED);
        if takes
            && self
                .mappings
                .touching(range, || memory.pause())
                .any(is_locked)
        {
            return Err(SpaceError::InvalidArgument);
        }
        let anonymous = matches!(advice, Advice::Free | Advice::Set(Flags::WIPE_ON_FORK));
        if anonymous
            && self
                .mappings
                .touching(range, || memory.pause())
                .any(is_object)
        {
            return Err(SpaceError::InvalidArgument);
        }
        if let Advice::Set(flag) | Advice::Clear(flag) = advice {
            self.mark(memory, range, flag, advice == Advice::Set(flag))?;
            return Ok(FlushDebt::none());
        }
        self.table.split_edges(memory, range)?;
        let mut debt = FlushDebt::none();
        self.table.drop_folded(memory, range);
        let mut released = Released::default();
        for mapping in self.mappings.touching(range, || memory.pause()) {
            let part = mapping.range.intersect(range);
            released += self.table.unmap(memory, part, &mut debt);
            if part.end < range.end {
                memory.pause();
            }
        }
        self.account(released);
        Ok(debt)
    }

    /// Sets or clears a trait of the mappings in a range.
    pub(super) fn mark<M: TableMemory>(
        &mut self,
        memory: &M,
        range: PageRange,
        flag: Flags,
        on: bool,
    ) -> Result<(), SpaceError> {
        let mut page = range.start;
        while let Some(mapping) = self.mappings.first_above(page) {
            let part = mapping.range.intersect(PageRange::new(page, range.end));
            if part.is_empty() {
                break;
            }
            if mapping.flags.contains(flag) != on {
                let pause = || memory.pause();
                self.mappings
                    .isolate(part, pause, |mapping| mapping.flags.set(flag, on))?;
                self.mappings.join(part.start);
                self.mappings.join(part.end);
            }
            page = part.end;
            memory.pause();
        }
        Ok(())
    }

    /// Locks the mappings of a range up to the first hole, or takes their locks away.
    ///
    /// # Errors
    /// As mlock(2): [`SpaceError::NoMemory`] when part of the range is not mapped, or when a split finds no room.
    pub fn lock<M: TableMemory>(
        &mut self,
        memory: &M,
        address: VirtAddr,
        length: u64,
        on: bool,
    ) -> Result<(), SpaceError> {
        let end = Page(address.0.saturating_add(length).div_ceil(PAGE_SIZE as u64));
        let range = PageRange::new(Page::containing(address), end);
        let mapped = self.mappings.covered(range, || memory.pause());
        self.mark(
            memory,
            PageRange::new(range.start, mapped),
            Flags::LOCKED,
            on,
        )?;
        if mapped < range.end {
            return Err(SpaceError::NoMemory);
        }
        Ok(())
    }

    /// The first page of a range with content that is not in memory: in a swap slot, or of an object and not entered. `stored` says which is
    /// the first page of an object, from an index on, that has content.
    pub fn next_absent<M: TableMemory>(
        &self,
        memory: &M,
        range: PageRange,
        stored: impl Fn(&O, u64) -> Option<u64>,
    ) -> Option<Page> {
        let readable = |mapping: &&Mapping<O>| !mapping.rights.is_empty();
        self.mappings
            .touching(range, || memory.pause())
            .filter(readable)
            .find_map(|mapping| {
                let part = mapping.range.intersect(range);
                let (object, offset) = match &mapping.backing {
                    Backing::Zero => return self.next_swapped(memory, part),
                    Backing::Object { object, offset, .. } => (object, offset),
                };
                let mut page = part.start;
                while page < part.end {
                    let index = offset + (page - mapping.range.start);
                    page = page + (stored(object, index)? - index);
                    let entry = self.table.entry(memory, page);
                    if page < part.end && matches!(entry.state(), State::Empty | State::Swap(_)) {
                        return Some(page);
                    }
                    page = page + 1;
                    if page.0.is_multiple_of(PAGES_PER_2M) {
                        memory.pause();
                    }
                }
                None
            })
    }

    pub(super) fn next_swapped<M: TableMemory>(
        &self,
        memory: &M,
        range: PageRange,
    ) -> Option<Page> {
        // In parts that double: neither is much looked at in vain, nor is a large empty range looked at piece by piece.
        let (mut first, mut part) = (None, PageRange::at(range.start, PAGES_PER_2M));
        while first.is_none() && part.start < range.end {
            self.table
                .visit(memory, part.intersect(range), |page, _, entry| {
                    if first.is_none() && matches!(entry.state(), State::Swap(_)) {
                        first = Some(page);
                    }
                });
            part = PageRange::at(part.end, 2 * part.len());
        }
        first
    }

    /// Whether all of a range is mapped, as msync(2) and mincore(2) demand.
    pub fn is_mapped<M: TableMemory>(&self, memory: &M, address: VirtAddr, length: u64) -> bool {
        self.checked(memory, address, length).is_ok()
    }

    /// Calls `tell` with each page of a range, up to the first hole, that is in memory (mincore(2)): it is present, or one of an object and
    /// not yet entered; `stored` says which is the first page of an object, from an index on, that has content. Answers how many
    /// pages there are up to the hole.
    pub fn resident_pages<M: TableMemory>(
        &self,
        memory: &M,
        range: PageRange,
        stored: impl Fn(&O, u64) -> Option<u64>,
        mut tell: impl FnMut(Page),
    ) -> u64 {
        let mapped = PageRange::new(range.start, self.mappings.covered(range, || memory.pause()));
        for mapping in self.mappings.touching(mapped, || memory.pause()) {
            let Backing::Object { object, offset, .. } = &mapping.backing else {
                continue;
            };
            let part = mapping.range.intersect(mapped);
            let mut page = part.start;
            while page < part.end {
                let index = offset + (page - mapping.range.start);
                let Some(next) = stored(object, index) else {
                    break;
                };
                page = page + (next - index);
                if page < part.end {
                    tell(page);
                }
                page = page + 1;
                if page.0.is_multiple_of(64) {
                    memory.pause();
                }
            }
            memory.pause();
        }
        self.table.visit(memory, mapped, |page, _, entry| {
            if matches!(entry.state(), State::Present(_) | State::Parked(_)) {
                let end = if entry.is_large() {
                    Page((page.0 | (crate::addr::PAGES_PER_2M - 1)) + 1).min(mapped.end)
                } else {
                    page + 1
                };
                PageRange::new(page, end).iter().for_each(&mut tell);
            }
        });
        mapped.len()
    }

    /// Calls `tell` with each page of a range that has an entry, a 2 MiB page once, and with the entry.
    pub fn visit<M: TableMemory>(
        &self,
        memory: &M,
        range: PageRange,
        mut tell: impl FnMut(Page, Entry),
    ) {
        self.table
            .visit(memory, range, |page, _, entry| tell(page, entry));
    }

    /// The pages of a range all of which is mapped.
    fn checked<M: TableMemory>(
        &self,
        memory: &M,
        address: VirtAddr,
        length: u64,
    ) -> Result<PageRange, SpaceError> {
        if !address.is_page_aligned() {
            return Err(SpaceError::InvalidArgument);
        }
        let range = pages(address, length).ok_or(SpaceError::NoMemory)?;
        if self.mappings.covers(range, || memory.pause()) {
            Ok(range)
        } else {
            Err(SpaceError::NoMemory)
        }
    }
}
