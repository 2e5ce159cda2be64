//! Taking away what objects no longer have: the one change of a space that nothing can refuse.

use super::AddressSpace;
use super::list::MappingList;
use super::mapping::{Backing, Object};
use crate::addr::PageRange;
use crate::flush::FlushDebt;
use crate::table::{Released, Rights, TableMemory};

/// The parts of mappings that show what objects have lost; interrupts are let in between.
fn lost<'a, O: Object, M: TableMemory>(
    mappings: &'a MappingList<O>,
    memory: &'a M,
    end: &'a impl Fn(&O) -> Option<u64>,
) -> impl Iterator<Item = PageRange> + 'a {
    let mappings = mappings.iter(|| memory.pause());
    mappings.filter_map(move |mapping| {
        let Backing::Object { object, offset, .. } = &mapping.backing else {
            return None;
        };
        let kept = end(object)?.saturating_sub(*offset);
        let range = mapping.range;
        (kept < range.len()).then(|| {
            memory.pause();
            PageRange::new(range.start + kept, range.end)
        })
    })
}

impl<O: Object> AddressSpace<O> {
    /// Has cores that run the space not reach any more what [`AddressSpace::cut`] is to take away; every entry keeps its frame. When the
    /// debt is paid and the space has been locked all the while, nothing of the cut has to be forgotten: whoever lets go of a frame last,
    /// here or in another space, may free it.
    pub fn withhold<M: TableMemory>(
        &mut self,
        memory: &M,
        end: impl Fn(&O) -> Option<u64>,
    ) -> FlushDebt {
        let mut debt = FlushDebt::none();
        for part in lost(&self.mappings, memory, &end) {
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
    /// the end of a file is SIGBUS). `end` says from which page on an object has none; `None`: nothing of it is taken away.
    ///
    /// It takes no memory and has no error: after it no entry leads to such a page. Only private copies that are still at another
    /// torus stay, where there is no memory to unfold the tables that lead to them.
    pub fn cut<M: TableMemory>(
        &mut self,
        memory: &M,
        end: impl Fn(&O) -> Option<u64>,
    ) -> FlushDebt {
        let (mut debt, mut gone) = (FlushDebt::none(), Released::default());
        for part in lost(&self.mappings, memory, &end) {
            // Entries of 2 MiB are anonymous memory's: what there is to split is folded, and holds no frame of this torus.
            if self.table.split_edges(memory, part).is_ok() {
                self.table.drop_folded(memory, part);
            }
            gone += self.table.unmap(memory, part, &mut debt);
        }
        self.account(gone);
        debt
    }
}
