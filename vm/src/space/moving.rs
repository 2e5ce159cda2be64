//! A space that has come from another torus, and the frozen one that stayed there.
//!
//! The torus that a process leaves, its *home* from then on, keeps the frozen space: no core has it loaded, its pages are read
//! by the *host* and dropped when they are not needed any more. The host makes a space of the same mappings, with
//! folded tables, to which frozen tables are *sources*.

use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;

use super::list::MappingList;
use super::mapping::{Mapping, Object};
use super::{AddressSpace, LOWER_HALF, Limits, SpaceError, map};
use crate::addr::{Frame, PAGES_PER_2M, Page, PageRange, VirtAddr};
use crate::flush::FlushDebt;
use crate::frames::{Owner, Use};
use crate::table::{Entry, PageTable, Released, Slot, Source, State, TableMemory, word_of};

pub use crate::table::Away;

/// What a space is besides its pages.
#[derive(Debug)]
pub struct Parts<O> {
    /// Mappings, ascending.
    pub mappings: Vec<Mapping<O>>,
    /// The heap: from where it begins to the break.
    pub heap: (VirtAddr, VirtAddr),
    /// Mappings that name no place are placed below.
    pub ceiling: VirtAddr,
    /// Bounds.
    pub limits: Limits,
    /// The most pages that it has had.
    pub peak: u64,
}

/// Where a page of a frozen space is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In this frame.
    Frame(Frame),
    /// In this slot of the swap device.
    Slot(Slot),
}

/// The frame of a private page that its home has granted, as the frozen table says of which `root` is the top.
pub fn granted<M: TableMemory>(memory: &M, root: Frame, page: Page) -> Option<Frame> {
    let entry = Entry(word_of(memory, root, page)?.load(Relaxed));
    let within = if entry.is_large() {
        page.0 % PAGES_PER_2M
    } else {
        0
    };
    (entry.is_counted() && !entry.is_of_object()).then_some(entry.frame() + within)
}

/// The host's side.
impl<O: Object> AddressSpace<O> {
    /// From where the heap begins to the break.
    pub const fn heap(&self) -> (VirtAddr, VirtAddr) {
        self.heap
    }

    /// A space with these mappings and no page.
    ///
    /// # Errors
    /// [`SpaceError::NoMemory`] when no frame is left for the top table, [`SpaceError::InvalidArgument`] for mappings
    /// that overlap or are not in order.
    pub fn of_parts<M: TableMemory>(
        memory: &M,
        lineage: Owner,
        parts: Parts<O>,
    ) -> Result<Self, SpaceError> {
        let ceiling = Page::containing(parts.ceiling).min(super::USER.end);
        let mapped = parts.mappings.iter().map(|item| item.range.len()).sum();
        let mut mappings = MappingList::of(parts.mappings, || memory.pause())?;
        let table = match PageTable::new(memory) {
            Ok(table) => table,
            Err(error) => {
                mappings.clear(|| memory.pause());
                return Err(error.into());
            }
        };
        Ok(Self {
            mappings,
            table,
            lineage,
            limits: parts.limits,
            future: super::Flags::empty(),
            heap: parts.heap,
            ceiling,
            search: map::Search::new(ceiling),
            mapped,
            resident: 0,
            swapped: 0,
            peak: parts.peak,
            wasted: 0,
        })
    }

    /// Says which frame the top table of a source is in.
    ///
    /// # Errors
    /// [`SpaceError::NoMemory`].
    pub fn set_source(&mut self, source: Source, root: Frame) -> Result<(), SpaceError> {
        Ok(self.table.set_source(source, root)?)
    }

    /// Makes room to note so many sources more, when they can no longer be refused.
    ///
    /// # Errors
    /// [`SpaceError::NoMemory`].
    pub fn expect_sources(&mut self, more: usize) -> Result<(), SpaceError> {
        Ok(self.table.expect_sources(more)?)
    }

    /// No remote entry refers to a source any more.
    pub fn forget_source(&mut self, source: Source) {
        self.table.forget_source(source);
    }

    /// Folds the whole space, which has no page yet: everything is as in the source.
    pub fn fold<M: TableMemory>(&mut self, memory: &M, source: Source) {
        self.table.fold(memory, source);
    }

    /// Unfolds what leads to a page.
    ///
    /// # Errors
    /// [`SpaceError::NoMemory`] when no frame is left for a table.
    pub fn unfold<M: TableMemory>(&mut self, memory: &M, page: Page) -> Result<(), SpaceError> {
        Ok(self.table.unfold_to(memory, page)?)
    }

    /// The first page or folded entry from `page` on that is not on this torus.
    pub fn next_away<M: TableMemory>(&self, memory: &M, page: Page) -> Option<Away> {
        let rest = PageRange::new(page, LOWER_HALF.end);
        self.table.next_away(memory, rest)
    }

    /// Which of the 64 pages from `first` on are remote by this source. What is folded does not count.
    pub fn remote<M: TableMemory>(&self, memory: &M, source: Source, first: Page) -> u64 {
        let mut mask = 0;
        let pages = PageRange::at(first, 64).intersect(LOWER_HALF);
        self.table.visit(memory, pages, |page, _, entry| {
            if entry == Entry::remote(source) {
                mask |= 1 << (page - first);
            }
        });
        memory.pause();
        mask
    }

    /// A remote page has come, in a frame with one reference, which the entry takes over; false, and the frame is still
    /// the caller's, when the page is not remote any longer. Nobody has `asked` for it yet, or somebody has.
    pub fn arrive<M: TableMemory>(
        &mut self,
        memory: &M,
        page: Page,
        frame: Frame,
        asked: bool,
    ) -> bool {
        let Some(mapping) = self.find(page.start()) else {
            return false;
        };
        let (rights, index) = (mapping.rights, mapping.index(page));
        let mut arrived = false;
        let here = PageRange::at(page, 1);
        self.table.visit(memory, here, |_, slot, entry| {
            if matches!(entry.state(), State::Remote(_)) {
                let leaf = Entry::leaf(frame, rights);
                let leaf = if asked { leaf } else { leaf.unasked() };
                slot.store(leaf.0, Relaxed);
                arrived = true;
            }
        });
        if arrived {
            let frames = memory.frames();
            frames.assign(frame, Use::Private, self.lineage, index);
            self.entered(1);
        }
        memory.pause();
        arrived
    }

    /// Takes back the pages of the 2 MiB around `page` that are remote by `source`, the table of `frozen`, which stayed on
    /// this torus: they are moved over.
    ///
    /// # Errors
    /// [`SpaceError::NoMemory`] when a 2 MiB page cannot be split.
    pub fn take_back<M: TableMemory>(
        &mut self,
        memory: &M,
        frozen: &mut Self,
        source: Source,
        page: Page,
    ) -> Result<(), SpaceError> {
        let block = PageRange::at(Page(page.0 & !(PAGES_PER_2M - 1)), PAGES_PER_2M);
        frozen.table.split_all(memory, block)?;
        let (mut resident, mut swapped) = (0, 0);
        let mappings = &self.mappings;
        self.table.visit(memory, block, |page, slot, entry| {
            if entry != Entry::remote(source) {
                return;
            }
            let rights = mappings.find(page).map(|mapping| mapping.rights);
            let kept = word_of(memory, frozen.table.root(), page);
            let (Some(rights), Some(kept)) = (rights, kept) else {
                return slot.store(0, Relaxed);
            };
            let kept = Entry(kept.swap(0, Relaxed));
            let taken = match kept.state() {
                State::Present(frame) | State::Parked(frame) => {
                    resident += 1;
                    let rights = match memory.frames().is_exclusive(frame) {
                        true => rights,
                        false => rights.without_write(),
                    };
                    kept.unpinned().with_rights(rights)
                }
                state => {
                    swapped += u64::from(matches!(state, State::Swap(_)));
                    kept
                }
            };
            slot.store(taken.0, Relaxed);
        });
        frozen.resident -= resident;
        frozen.swapped -= swapped;
        self.swapped += swapped;
        self.entered(resident);
        Ok(())
    }
}

/// The home's side.
impl<O: Object> AddressSpace<O> {
    /// Where a private page is; `None` if it is not there (any longer).
    pub fn kept<M: TableMemory>(&self, memory: &M, page: Page) -> Option<Kept> {
        let entry = self.table.entry(memory, page);
        let within = if entry.is_large() {
            page.0 % PAGES_PER_2M
        } else {
            0
        };
        match entry.state() {
            State::Present(frame) | State::Parked(frame)
                if entry.is_counted() && !entry.is_of_object() =>
            {
                Some(Kept::Frame(frame + within))
            }
            State::Swap(slot) => Some(Kept::Slot(slot)),
            _ => None,
        }
    }

    /// Keeps the frame of a page where it is until the page is dropped; those of all of its 2 MiB where it is part of such.
    pub fn pin<M: TableMemory>(&self, memory: &M, page: Page) {
        let page = PageRange::at(page, 1);
        self.table.visit(memory, page, |_, slot, entry| {
            if entry.holds_frame() {
                slot.store(entry.pinned().0, Relaxed);
            }
        });
        memory.pause();
    }

    /// Drops a page. One of a 2 MiB page that cannot be split for want of memory stays until the space ends.
    pub fn drop_page<M: TableMemory>(&mut self, memory: &M, page: Page) -> FlushDebt {
        let mut debt = FlushDebt::none();
        let page = PageRange::at(page, 1);
        if self.table.split_all(memory, page).is_ok() {
            let gone: Released = self.table.unmap(memory, page, &mut debt);
            self.account(gone);
        }
        memory.pause();
        debt
    }
}
