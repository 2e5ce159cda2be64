//! Operations on ranges of one table: set a leaf, rewrite, unmap, free empty tables.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::walk::{Leaf, index, span};
use super::{Entry, OutOfTables, PageTable, Place, State, TableMemory};
use crate::addr::{Frame, PAGES_PER_2M, Page, PageRange};
use crate::flush::FlushDebt;

/// What an unmapping let go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// Pages that had a frame.
    pub resident: u64,
    /// Pages that had a swap slot.
    pub swapped: u64,
    /// Of those that had a frame, those that had come unasked and were not used.
    pub wasted: u64,
}

impl core::ops::AddAssign for Released {
    fn add_assign(&mut self, other: Self) {
        self.resident += other.resident;
        self.swapped += other.swapped;
        self.wasted += other.wasted;
    }
}

/// Entries between two looks at what else there is to do.
const PIECE: usize = 32;

/// From the first to the last of pages that come in order.
#[derive(Default)]
struct Hull(PageRange);

impl Hull {
    #[inline]
    fn add(&mut self, page: Page, pages: u64) {
        // Page 0 is never mapped: a range that ends there has no page yet.
        if self.0.end.0 == 0 {
            self.0.start = page;
        }
        self.0.end = page + pages;
    }

    fn owe(self, debt: &mut FlushDebt) {
        if !self.0.is_empty() {
            debt.add_pages(self.0);
        }
    }
}

impl PageTable {
    /// Sets the leaf of a page and answers with what was there. The caller accounts for both.
    ///
    /// # Errors
    /// [`OutOfTables`] when a table was missing and no frame was left for it; nothing has changed.
    #[inline]
    pub fn set<M: TableMemory>(
        &mut self,
        memory: &M,
        place: Place,
        entry: Entry,
    ) -> Result<Entry, OutOfTables> {
        let slot = self.slot(memory, place)?;
        Ok(Entry(slot.swap(entry.0, Relaxed)))
    }

    /// Maps 2 MiB at `page`, which is aligned to it and has nothing below.
    ///
    /// # Errors
    /// [`OutOfTables`] when a table was missing and no frame was left for it, or when the range is
    /// not empty; nothing has changed.
    pub fn set_large<M: TableMemory>(
        &mut self,
        memory: &M,
        page: Page,
        entry: Entry,
    ) -> Result<(), OutOfTables> {
        let table = self.reach(memory, page, 2)?;
        let slot = &memory.table(table)[index(page, 2)];
        if slot.load(Relaxed) != 0 {
            return Err(OutOfTables);
        }
        slot.store(entry.large().0, Relaxed);
        Ok(())
    }

    /// Calls `visit` with each page of the range whose leaf is not empty, and its word: 4 KiB leaves
    /// one by one, a 2 MiB leaf once, with its first page in the range. What is folded is passed over.
    #[inline]
    pub(crate) fn visit<'m, M: TableMemory>(
        &self,
        memory: &'m M,
        range: PageRange,
        mut visit: impl FnMut(Page, &'m AtomicU64, Entry),
    ) {
        let mut page = range.start;
        while page < range.end {
            match self.leaf(memory, page) {
                leaf @ (Leaf::Absent(_) | Leaf::Folded(..)) => {
                    page = leaf.next(page);
                    if page < range.end {
                        memory.pause();
                    }
                }
                Leaf::Large(slot) => {
                    visit(page, slot, Entry(slot.load(Relaxed)));
                    page = Page((page.0 | (PAGES_PER_2M - 1)) + 1);
                }
                Leaf::Table(table) => {
                    let from = index(page, 1);
                    let to = (from as u64 + (range.end - page)).min(PAGES_PER_2M) as usize;
                    for piece in memory.table(table)[from..to].chunks(PIECE) {
                        for slot in piece {
                            let entry = Entry(slot.load(Relaxed));
                            if !entry.is_empty() {
                                visit(page, slot, entry);
                            }
                            page = page + 1;
                        }
                        if page < range.end {
                            memory.pause();
                        }
                    }
                }
            }
        }
    }

    /// Splits 2 MiB leaves and unfolds tables that reach over the ends of the range.
    ///
    /// # Errors
    /// [`OutOfTables`]: the mapping is as it was, if in smaller pieces.
    pub(crate) fn split_edges<M: TableMemory>(
        &mut self,
        memory: &M,
        range: PageRange,
    ) -> Result<(), OutOfTables> {
        for edge in [range.start, range.end] {
            self.unfold_over(memory, edge)?;
            if !edge.0.is_multiple_of(PAGES_PER_2M)
                && let Leaf::Large(slot) = self.leaf(memory, edge)
            {
                self.split(memory, slot)?;
            }
        }
        Ok(())
    }

    /// Splits all 2 MiB leaves that touch the range.
    ///
    /// # Errors
    /// As [`PageTable::split_edges`].
    pub(crate) fn split_all<M: TableMemory>(
        &mut self,
        memory: &M,
        range: PageRange,
    ) -> Result<(), OutOfTables> {
        let mut page = range.start;
        while page < range.end {
            match self.leaf(memory, page) {
                leaf @ (Leaf::Absent(_) | Leaf::Table(_) | Leaf::Folded(..)) => {
                    page = leaf.next(page);
                }
                Leaf::Large(slot) => {
                    self.split(memory, slot)?;
                }
            }
            memory.pause();
        }
        Ok(())
    }

    /// Lets go all leaves of the range, whose edges split no 2 MiB leaf.
    pub(crate) fn unmap<M: TableMemory>(
        &self,
        memory: &M,
        range: PageRange,
        debt: &mut FlushDebt,
    ) -> Released {
        let mut released = Released::default();
        let mut present = Hull::default();
        // A copy: nothing that is written below can change it.
        let frames = *memory.frames();
        self.visit(memory, range, |page, slot, _| {
            // The processor may mark the entry until it is gone.
            let entry = Entry(slot.swap(0, Relaxed));
            if entry.is_plain() {
                present.add(page, 1);
                released.resident += 1;
                if frames.unmap(entry.frame(), entry.is_dirty()) {
                    debt.add_frame(&frames, entry.frame());
                }
                return;
            }
            if entry.is_present() {
                present.add(page, if entry.is_large() { PAGES_PER_2M } else { 1 });
            }
            release(memory, entry, debt, &mut released);
        });
        present.owe(debt);
        released
    }

    /// Gives each leaf of the range (edges split before) the entry that `change` makes of it, and
    /// owes a flush where that allows less.
    #[inline]
    pub(crate) fn rewrite<M: TableMemory>(
        &mut self,
        memory: &M,
        range: PageRange,
        debt: &mut FlushDebt,
        change: impl Fn(Entry) -> Entry,
    ) {
        let mut less = Hull::default();
        self.visit(memory, range, |page, slot, mut old| {
            loop {
                let new = change(old);
                if new == old {
                    return;
                }
                match slot.compare_exchange(old.0, new.0, Relaxed, Relaxed) {
                    Ok(_) if new.allows_less_than(old) => {
                        return less.add(page, if old.is_large() { PAGES_PER_2M } else { 1 });
                    }
                    Ok(_) => return,
                    Err(now) => old = Entry(now),
                }
            }
        });
        less.owe(debt);
    }

    /// Frees the tables around the range that lie within `hull`, which has no mappings: no entry can
    /// be in them.
    pub(crate) fn free_tables<M: TableMemory>(
        &mut self,
        memory: &M,
        range: PageRange,
        hull: PageRange,
        debt: &mut FlushDebt,
    ) {
        for level in 2..=4 {
            let size = span(level);
            // Whole spans of the hull that touch the range.
            let mut page = Page(range.start.0 & !(size - 1)).max(hull.start.next_multiple(size));
            let end = Page(hull.end.0 & !(size - 1)).min(range.end.next_multiple(size));
            while page < end {
                let next = Page((page.0 | (span(level + 1) - 1)) + 1).min(end);
                match self.table_of(memory, page, level) {
                    Err(absent) => {
                        page = absent;
                        if page < end {
                            memory.pause();
                        }
                    }
                    Ok(table) => {
                        let first = index(page, level);
                        let count = ((next - page) / size) as usize;
                        let words = &memory.table(table)[first..first + count];
                        self.free_below(memory, words, range.start.max(page), debt);
                        page = next;
                    }
                }
            }
        }
    }

    /// Frees the tables that `words` point to. `page` is one of those that they were for.
    fn free_below<M: TableMemory>(
        &mut self,
        memory: &M,
        words: &[AtomicU64],
        page: Page,
        debt: &mut FlushDebt,
    ) {
        for (number, word) in words.iter().enumerate() {
            let entry = Entry(word.load(Relaxed));
            if entry.is_table() {
                if number % PIECE == PIECE - 1 {
                    memory.pause();
                }
                word.store(0, Relaxed);
                self.tables -= 1;
                self.epoch = self.epoch.wrapping_add(1);
                // Any page flush makes a core forget all upper entries (SDM 4.10.4.1).
                debt.add_pages(PageRange::at(page, 1));
                release_table(memory, entry.frame(), debt);
            } else if !entry.is_present() {
                word.store(0, Relaxed);
            }
        }
    }

    /// The existing table of `level` for a page, or the end of the span in which there is none.
    fn table_of<M: TableMemory>(&self, memory: &M, page: Page, level: u32) -> Result<Frame, Page> {
        let mut table = self.root;
        for above in (level + 1..=4).rev() {
            let entry = Entry(memory.table(table)[index(page, above)].load(Relaxed));
            if !entry.is_present() || entry.is_large() {
                return Err(Page((page.0 & !(span(above) - 1)) + span(above)));
            }
            table = entry.frame();
        }
        Ok(table)
    }

    /// Ends a table whose leaves are all unmapped.
    pub(crate) fn destroy<M: TableMemory>(self, memory: &M, debt: &mut FlushDebt) {
        release_table(memory, self.root, debt);
    }
}

fn release_table<M: TableMemory>(memory: &M, frame: Frame, debt: &mut FlushDebt) {
    if memory.frames().release(frame) {
        debt.add_frame(memory.frames(), frame);
    }
}

/// Lets go what an entry that is gone from its table referred to. The flush is the caller's.
#[inline]
pub(crate) fn release<M: TableMemory>(
    memory: &M,
    entry: Entry,
    debt: &mut FlushDebt,
    released: &mut Released,
) {
    if !entry.holds_frame() || entry.is_large() {
        return release_other(memory, entry, debt, released);
    }
    released.resident += 1;
    released.wasted += u64::from(entry.is_wasted());
    if entry.is_counted() && memory.frames().unmap(entry.frame(), entry.is_dirty()) {
        debt.add_frame(memory.frames(), entry.frame());
    }
}

/// The same for the rarer kinds.
fn release_other<M: TableMemory>(
    memory: &M,
    entry: Entry,
    debt: &mut FlushDebt,
    released: &mut Released,
) {
    match entry.state() {
        State::Present(first) | State::Parked(first) => {
            for n in 0..PAGES_PER_2M {
                if n % PIECE as u64 == PIECE as u64 - 1 {
                    memory.pause();
                }
                let frame = Entry::leaf(first + n, entry.rights());
                let counted = if entry.is_counted() {
                    frame
                } else {
                    frame.borrowed()
                };
                release(memory, counted.touched(entry.is_dirty()), debt, released);
            }
        }
        State::Swap(slot) => {
            released.swapped += 1;
            if let Some(slots) = memory.slots() {
                slots.release(slot);
            }
        }
        // Its home keeps the page until it closes the deposit.
        State::Remote(_) | State::Empty => {}
    }
}
