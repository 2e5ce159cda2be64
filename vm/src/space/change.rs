//! mprotect(2), madvise(2), mincore(2), msync(2).

use super::mapping::{Backing, Flags, Object};
use super::{AddressSpace, SpaceError, pages};
use crate::addr::{Page, PageRange, VirtAddr};
use crate::flush::FlushDebt;
use crate::table::{Rights, State, TableMemory};

/// Advice that changes something here; the other kinds are the caller's to accept or refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// The content is not needed: private pages are made afresh when touched (`MADV_DONTNEED`).
    DontNeed,
    /// The content may go: it goes at once (`MADV_FREE`). Private anonymous memory only.
    Free,
    /// Make it of 2 MiB pages where possible (`MADV_HUGEPAGE`). They are not evicted.
    Huge,
    /// Make it of 4 KiB pages from now on (`MADV_NOHUGEPAGE`).
    NotHuge,
}

impl<O: Object> AddressSpace<O> {
    /// Sets the rights of a range. Unlike Linux's, which stops at the first hole or refusal with the
    /// pages below it changed, an error leaves everything as it was.
    ///
    /// # Errors
    /// As mprotect(2): [`SpaceError::InvalidArgument`] for an unaligned address,
    /// [`SpaceError::NoMemory`] when part of the range is not mapped or a split finds no room,
    /// [`SpaceError::Denied`] when a mapping does not allow the rights.
    pub fn protect<M: TableMemory>(
        &mut self,
        memory: &M,
        address: VirtAddr,
        length: u64,
        rights: Rights,
    ) -> Result<FlushDebt, SpaceError> {
        let range = self.checked(address, length)?;
        let mut debt = FlushDebt::none();
        if range.is_empty() {
            return Ok(debt);
        }
        let touched = self.touched(range);
        if self.mappings.as_slice()[touched]
            .iter()
            .any(|m| !m.maximum.contains(rights))
        {
            return Err(SpaceError::Denied);
        }
        self.mappings.reserve(2)?;
        self.table.split_edges(memory, range)?;
        if rights.is_empty() {
            // There is no parked entry of 2 MiB.
            self.table.split_all(memory, range)?;
        }
        for at in self.mappings.carve(range) {
            let Some(mapping) = self.mappings.get_mut(at) else {
                break;
            };
            if mapping.rights == rights {
                continue;
            }
            mapping.rights = rights;
            let (part, private) = (mapping.range, mapping.is_private());
            let frames = *memory.frames();
            self.table.rewrite(memory, part, &mut debt, |entry| {
                if !entry.holds_frame() {
                    return entry;
                }
                let shared = private && !(entry.is_counted() && frames.is_exclusive(entry.frame()));
                entry.with_rights(if shared {
                    rights.without_write()
                } else {
                    rights
                })
            });
        }
        self.mappings.join_around(range);
        Ok(debt)
    }

    /// Follows advice on a range. Parts that are not mapped are passed over.
    ///
    /// # Errors
    /// As madvise(2): [`SpaceError::InvalidArgument`] for an unaligned address, or for
    /// [`Advice::Free`] on other than private anonymous memory. That part of the range is not mapped
    /// ([`SpaceError::NoMemory`]) is for the caller to tell by [`AddressSpace::is_mapped`], after this.
    pub fn advise<M: TableMemory>(
        &mut self,
        memory: &M,
        address: VirtAddr,
        length: u64,
        advice: Advice,
    ) -> Result<FlushDebt, SpaceError> {
        let range = pages(address, length).ok_or(SpaceError::InvalidArgument)?;
        let touched = self.touched(range);
        let mut mappings = self.mappings.as_slice()[touched.clone()].iter();
        if advice == Advice::Free && mappings.any(|m| !matches!(m.backing, Backing::Zero)) {
            return Err(SpaceError::InvalidArgument);
        }
        if matches!(advice, Advice::Huge | Advice::NotHuge) {
            return self.mark_huge(range, advice == Advice::Huge);
        }
        self.table.split_edges(memory, range)?;
        let mut debt = FlushDebt::none();
        for at in touched {
            let part = self.mappings.as_slice()[at].range.intersect(range);
            let released = self.table.unmap(memory, part, &mut debt);
            self.account(released);
        }
        Ok(debt)
    }

    /// Sets or clears the wish for 2 MiB pages.
    fn mark_huge(&mut self, range: PageRange, huge: bool) -> Result<FlushDebt, SpaceError> {
        self.mappings.reserve(2)?;
        for at in self.mappings.carve(range) {
            if let Some(mapping) = self.mappings.get_mut(at) {
                mapping.flags.set(Flags::HUGE, huge);
            }
        }
        self.mappings.join_around(range);
        Ok(FlushDebt::none())
    }

    /// Whether all of a range is mapped, as msync(2) and mincore(2) demand.
    pub fn is_mapped(&self, address: VirtAddr, length: u64) -> bool {
        self.checked(address, length).is_ok()
    }

    /// Calls `tell` with each page of a mapped range and whether it is present (mincore(2)).
    ///
    /// # Errors
    /// [`SpaceError::InvalidArgument`] for an unaligned address, [`SpaceError::NoMemory`] when part of
    /// the range is not mapped.
    pub fn resident_pages<M: TableMemory>(
        &self,
        memory: &M,
        address: VirtAddr,
        length: u64,
        mut tell: impl FnMut(Page),
    ) -> Result<(), SpaceError> {
        let range = self.checked(address, length)?;
        self.table.visit(memory, range, |page, _, entry| {
            if matches!(entry.state(), State::Present(_) | State::Parked(_)) {
                let end = if entry.is_large() {
                    Page((page.0 | (crate::addr::RUN - 1)) + 1).min(range.end)
                } else {
                    page + 1
                };
                PageRange::new(page, end).iter().for_each(&mut tell);
            }
        });
        Ok(())
    }

    /// The pages of a range all of which is mapped.
    fn checked(&self, address: VirtAddr, length: u64) -> Result<PageRange, SpaceError> {
        if !address.is_page_aligned() {
            return Err(SpaceError::InvalidArgument);
        }
        let range = pages(address, length).ok_or(SpaceError::NoMemory)?;
        if self.mappings.covers(range) {
            Ok(range)
        } else {
            Err(SpaceError::NoMemory)
        }
    }

    /// Indices of the mappings that touch a range.
    fn touched(&self, range: PageRange) -> core::ops::Range<usize> {
        let first = self.mappings.position(range.start);
        let more = self.mappings.as_slice()[first..].iter();
        first
            ..first
                + more
                    .take_while(|mapping| mapping.range.start < range.end)
                    .count()
    }
}
