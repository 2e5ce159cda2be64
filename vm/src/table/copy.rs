//! Operations on two places: copy a range for a fork, move a range.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::walk::{Leaf, index};
use super::{Entry, OutOfTables, PageTable, State, TableMemory};
use crate::addr::{Frame, PAGES_PER_2M, Page, PageRange};
use crate::flush::FlushDebt;

/// Entries that are copied between two looks for interrupts.
const PIECE: usize = 64;

/// What a range takes besides its entries, in entries.
const EACH: usize = 8;

/// Entries that are looked at in the time in which one is copied.
const LOOKED_AT: usize = 8;

/// What a copy made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Copied {
    /// Pages that have a frame in the copy.
    pub(crate) resident: u64,
    /// Pages that have a swap slot in the copy.
    pub(crate) swapped: u64,
    /// Whether entries of the original lost the right to write.
    pub(crate) protected: bool,
    /// Entries since interrupts were looked for.
    unpaused: usize,
}

impl Copied {
    /// So many entries have been copied, or are about to be.
    fn looks<M: TableMemory>(&mut self, memory: &M, entries: usize) {
        self.unpaused += entries;
        if self.unpaused >= PIECE {
            memory.pause();
            self.unpaused = 0;
        }
    }
}

impl PageTable {
    /// Enters the leaves of `range` in `child` too. Private memory loses the right to write in both,
    /// so that the first writer copies.
    ///
    /// # Errors
    /// [`OutOfTables`]: what was entered is correct and counted, and has to be unmapped as usual.
    pub(crate) fn copy_to<M: TableMemory>(
        &mut self,
        memory: &M,
        child: &mut Self,
        range: PageRange,
        private: bool,
        copied: &mut Copied,
    ) -> Result<(), OutOfTables> {
        copied.looks(memory, EACH);
        let mut page = range.start;
        while page < range.end {
            let from = match self.leaf(memory, page) {
                Leaf::Absent(next) => {
                    page = next;
                    if page < range.end {
                        memory.pause();
                    }
                    continue;
                }
                leaf @ Leaf::Folded(slot, level, _) => {
                    memory.pause();
                    let to = child.reach(memory, page, level)?;
                    memory.table(to)[index(page, level)].store(slot.load(Relaxed), Relaxed);
                    page = leaf.next(page);
                    continue;
                }
                Leaf::Large(slot) => {
                    let table = self.split(memory, slot)?;
                    memory.pause();
                    table
                }
                Leaf::Table(table) => table,
            };
            let next = Page((page.0 | (PAGES_PER_2M - 1)) + 1).min(range.end);
            let part = index(page, 1)..index(page, 1) + (next - page) as usize;
            let words = &memory.table(from)[part.clone()];
            copied.looks(memory, words.len() / LOOKED_AT);
            if let Some(first) = words.iter().position(|word| word.load(Relaxed) != 0) {
                let to = child.reach(memory, page, 1)?;
                let copies = &memory.table(to)[part][first..];
                let parts = words[first..].chunks(PIECE).zip(copies.chunks(PIECE));
                for (words, copies) in parts {
                    copy_words(memory, words, copies, private, copied)?;
                    copied.looks(memory, words.len());
                }
            }
            page = next;
        }
        Ok(())
    }

    /// Makes the tables that [`PageTable::relocate`] needs.
    ///
    /// # Errors
    /// [`OutOfTables`]: nothing has moved.
    pub(crate) fn prepare<M: TableMemory>(
        &mut self,
        memory: &M,
        from: PageRange,
        to: Page,
    ) -> Result<(), OutOfTables> {
        let mut page = from.start;
        while page < from.end {
            match self.leaf(memory, page) {
                // Folded entries do not move.
                leaf @ (Leaf::Absent(_) | Leaf::Folded(..)) => {
                    page = leaf.next(page);
                    memory.pause();
                }
                Leaf::Large(slot) => {
                    self.split(memory, slot)?;
                    memory.pause();
                }
                Leaf::Table(_) => {
                    let next = Page((page.0 | (PAGES_PER_2M - 1)) + 1).min(from.end);
                    self.reach(memory, to + (page - from.start), 1)?;
                    self.reach(memory, to + (next - 1 - from.start), 1)?;
                    memory.pause();
                    page = next;
                }
            }
        }
        Ok(())
    }

    /// Moves the leaves of `from` to as many pages at `to`, where there are none, and where
    /// [`PageTable::prepare`] has made tables. The caller frees the tables of `from`.
    pub(crate) fn relocate<M: TableMemory>(
        &self,
        memory: &M,
        from: PageRange,
        to: Page,
        debt: &mut FlushDebt,
    ) {
        let mut table: Option<(u64, Frame)> = None;
        self.visit(memory, from, |page, slot, _| {
            let entry = Entry(slot.swap(0, Relaxed));
            let target = to + (page - from.start);
            let leaf = match table {
                Some((block, leaf)) if block == target.0 / PAGES_PER_2M => leaf,
                _ => match self.leaf(memory, target) {
                    Leaf::Table(leaf) => leaf,
                    // `prepare` made every table.
                    Leaf::Large(_) | Leaf::Absent(_) | Leaf::Folded(..) => return,
                },
            };
            table = Some((target.0 / PAGES_PER_2M, leaf));
            memory.table(leaf)[index(target, 1)].store(entry.0, Relaxed);
            if entry.is_present() {
                debt.add_pages(PageRange::at(page, 1));
            }
        });
    }
}

/// Copies words of one leaf table. On its own, so that the loop has all registers.
#[inline(never)]
fn copy_words<M: TableMemory>(
    memory: &M,
    from: &[AtomicU64],
    to: &[AtomicU64],
    private: bool,
    copied: &mut Copied,
) -> Result<(), OutOfTables> {
    // A copy: nothing that is written below can change it.
    let frames = *memory.frames();
    for (word, copy) in from.iter().zip(to) {
        let mut entry = Entry(word.load(Relaxed));
        if entry.is_empty() {
            continue;
        }
        if entry.is_plain() && private {
            copied.resident += 1;
            frames.share(entry.frame());
            if entry.is_writable() {
                // Atomic, as the processor may be marking the entry.
                word.fetch_and(Entry(u64::MAX).read_only().0, Relaxed);
                copied.protected = true;
            }
            entry = entry.read_only().unpinned();
        } else if entry.holds_frame() {
            copied.resident += 1;
            if entry.is_counted() {
                frames.share(entry.frame());
            }
            if private && entry.is_writable() {
                // Atomic, as the processor may be marking the entry.
                word.fetch_and(Entry(u64::MAX).read_only().0, Relaxed);
                entry = entry.read_only();
                copied.protected = true;
            }
            if private {
                // Nobody has asked for the copy's page.
                entry = entry.unpinned().asked();
            }
        } else {
            if let State::Swap(slot) = entry.state() {
                copied.swapped += 1;
                if !memory.slots().is_some_and(|slots| slots.share(slot)) {
                    return Err(OutOfTables);
                }
            }
        }
        copy.store(entry.0, Relaxed);
    }
    Ok(())
}
