//! Taking away what objects no longer have: the one change of a space that nothing can refuse.

use super::AddressSpace;
use super::mapping::{Backing, Object};
use crate::addr::PageRange;
use crate::flush::FlushDebt;
use crate::table::{Released, TableMemory};

/// Mappings that are looked at before interrupts are let in.
const PIECE: usize = 256;

impl<O: Object> AddressSpace<O> {
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
        for (count, mapping) in (1..).zip(self.mappings.iter()) {
            if count % PIECE == 0 {
                memory.pause();
            }
            let Backing::Object { object, offset, .. } = &mapping.backing else {
                continue;
            };
            let kept = end(object).map(|end| end.saturating_sub(*offset));
            let Some(kept) = kept.filter(|kept| *kept < mapping.range.len()) else {
                continue;
            };
            let part = PageRange::new(mapping.range.start + kept, mapping.range.end);
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
