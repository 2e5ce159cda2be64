//! A look at everything that a table leads to.

use core::sync::atomic::Ordering::Relaxed;

use super::walk::span;
use super::{Entry, PageTable, TableMemory};
use crate::addr::{Frame, Page};

/// Entries of the top table that are for programs.
const LOWER: usize = 256;

/// What an entry leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Led {
    /// A lower table.
    Table(Frame),
    /// A page, or 2 MiB of them.
    Leaf(Entry),
}

impl PageTable {
    /// Calls `see` with all that entries for programs lead to, and the first page that each is for. A table that `see` answers
    /// false for is not looked at.
    pub(crate) fn each<M: TableMemory>(&self, memory: &M, mut see: impl FnMut(Page, Led) -> bool) {
        below(memory, (self.root, 4), Page(0), &mut see);
    }
}

fn below<M: TableMemory>(
    memory: &M,
    (table, level): (Frame, u32),
    first: Page,
    see: &mut impl FnMut(Page, Led) -> bool,
) {
    let count = if level == 4 { LOWER } else { 512 };
    for (at, word) in (0..).zip(&memory.table(table)[..count]) {
        let (page, entry) = (first + at * span(level), Entry(word.load(Relaxed)));
        if level > 1 && entry.is_table() {
            if see(page, Led::Table(entry.frame())) {
                below(memory, (entry.frame(), level - 1), page, see);
            }
        } else if entry.holds_frame() {
            see(page, Led::Leaf(entry));
        }
    }
    if level == 1 {
        memory.pause();
    }
}
