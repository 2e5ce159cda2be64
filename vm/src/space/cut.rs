//! Taking away what objects no longer have: the one change of a space that nothing can refuse.

use core::sync::atomic::Ordering::Relaxed;

use super::AddressSpace;
use super::list::MappingList;
use super::mapping::{Backing, Mapping, Object};
use crate::addr::PageRange;
use crate::flush::FlushDebt;
use crate::frames::Owner;
use crate::table::{Entry, Released, Rights, TableMemory, release};

/// What objects have lost.
#[derive(Clone, Copy, Debug)]
pub enum Lost<O> {
    /// One object its pages from this number on.
    Of(Owner, u64),
    /// Each object its pages from what this answers on.
    Each(fn(&O) -> u64),
}

impl<O: Object> Lost<O> {
    /// The part of a mapping that shows what is lost.
    fn part(&self, mapping: &Mapping<O>) -> Option<PageRange> {
        let Backing::Object { object, offset, .. } = &mapping.backing else {
            return None;
        };
        let end = match self {
            Self::Of(_, end) => *end,
            Self::Each(end) => end(object),
        };
        let (kept, range) = (end.saturating_sub(*offset), mapping.range);
        (kept < range.len()).then(|| PageRange::new(range.start + kept, range.end))
    }

    /// The parts of mappings that show it; interrupts are let in between.
    fn parts<M: TableMemory>(
        &self,
        mappings: &MappingList<O>,
        memory: &M,
    ) -> impl Iterator<Item = PageRange> {
        let pause = || memory.pause();
        let (one, each) = match self {
            Self::Of(owner, end) => (
                Some(mappings.showing(Some(*owner), *end..u64::MAX, pause)),
                None,
            ),
            Self::Each(_) => (None, Some(mappings.iter(pause))),
        };
        let all = one.into_iter().flatten().chain(each.into_iter().flatten());
        all.filter_map(|mapping| self.part(mapping))
            .inspect(move |_| pause())
    }
}

impl<O: Object> AddressSpace<O> {
    /// Has cores that run the space not reach any more what [`AddressSpace::cut`] is to take away; every entry keeps its frame. When the
    /// debt is paid and the space has been locked all the while, nothing of the cut has to be forgotten: whoever lets go of a frame last,
    /// here or in another space, may free it.
    pub fn withhold<M: TableMemory>(&mut self, memory: &M, lost: &Lost<O>) -> FlushDebt {
        let mut debt = FlushDebt::none();
        for part in lost.parts(&self.mappings, memory) {
            self.table.rewrite(memory, part, &mut debt, |entry| {
                if entry.holds_frame() {
                    entry.with_rights(Rights::empty())
                } else {
                    entry
                }
            });
        }
        debt
    }

    /// Takes the pages that objects have lost out of every mapping of them, locked ones too, private copies included (mmap(2): beyond
    /// the end of a file is SIGBUS).
    ///
    /// It takes no memory and has no error: after it no entry leads to such a page. Only private copies that are still at another
    /// torus stay, where there is no memory to unfold the tables that lead to them.
    pub fn cut<M: TableMemory>(&mut self, memory: &M, lost: &Lost<O>) -> FlushDebt {
        let (mut debt, mut gone) = (FlushDebt::none(), Released::default());
        for part in lost.parts(&self.mappings, memory) {
            // Entries of 2 MiB are anonymous memory's: what there is to split is folded, and holds no frame of this torus.
            if self.table.split_edges(memory, part).is_ok() {
                self.table.drop_folded(memory, part);
            }
            gone += self.table.unmap(memory, part, &mut debt);
        }
        self.account(gone);
        debt
    }

    /// Takes the entries of objects' own pages out that they have lost: what the space has of its own stays.
    pub fn forget<M: TableMemory>(&mut self, memory: &M, lost: &Lost<O>) -> FlushDebt {
        let (mut debt, mut gone) = (FlushDebt::none(), Released::default());
        for part in lost.parts(&self.mappings, memory) {
            self.table.visit(memory, part, |page, slot, entry| {
                if entry.is_of_object() {
                    debt.add_pages(PageRange::at(page, 1));
                    release(memory, Entry(slot.swap(0, Relaxed)), &mut debt, &mut gone);
                }
            });
        }
        self.account(gone);
        debt
    }

    /// Forgets the pages of all objects: they are found again by their mappings.
    pub fn forget_objects<M: TableMemory>(&mut self, memory: &M) -> FlushDebt {
        self.forget(memory, &Lost::Each(|_| 0))
    }
}
