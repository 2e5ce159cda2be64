//! The way down from the root to a leaf.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{Entry, OutOfTables, PageTable, Source, State, TableMemory};
use crate::addr::{Frame, PAGES_PER_2M, Page};

/// Pages below one entry of a level: 1 is the table of leaves.
#[inline]
pub(super) const fn span(level: u32) -> u64 {
    1 << (9 * (level - 1))
}

/// Index of a page in a table of `level`.
#[inline]
pub(super) const fn index(page: Page, level: u32) -> usize {
    (page.0 >> (9 * (level - 1))) as usize & 511
}

/// What leads to a page.
pub(crate) enum Leaf<'m> {
    /// The table of 4 KiB leaves.
    Table(Frame),
    /// The entry of a 2 MiB leaf.
    Large(&'m AtomicU64),
    /// Nothing, up to this page.
    Absent(Page),
    /// All below this entry of this level is as in the table of a source.
    Folded(&'m AtomicU64, u32, Source),
}

impl Leaf<'_> {
    /// The first page beyond what the same table, large leaf or gap is for, if `page` led here.
    #[inline]
    pub(crate) const fn next(&self, page: Page) -> Page {
        match self {
            Self::Absent(next) => *next,
            Self::Table(_) | Self::Large(_) => Page((page.0 | (PAGES_PER_2M - 1)) + 1),
            Self::Folded(_, level, _) => Page((page.0 | (span(*level) - 1)) + 1),
        }
    }
}

/// Where a page's entry is, as found by `resolve`, to spare `install` the way down. Good until
/// tables are freed; a stale place is noticed and looked up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The page.
    pub page: Page,
    leaf: Option<Frame>,
    epoch: u32,
}

impl Place {
    /// Whether no table leads to the page yet.
    #[inline]
    pub(crate) const fn is_bare(self) -> bool {
        self.leaf.is_none()
    }

    /// The place of another page; below the same table it is as good as this one.
    #[inline]
    pub(crate) fn moved_to(self, page: Page) -> Self {
        let leaf = self
            .leaf
            .filter(|_| page.0 / PAGES_PER_2M == self.page.0 / PAGES_PER_2M);
        Self { page, leaf, ..self }
    }
}

/// One level down: the next table, or what there is instead of one.
#[inline]
fn step<const LEVEL: u32, M: TableMemory>(
    memory: &M,
    table: Frame,
    page: Page,
) -> Result<Frame, Leaf<'_>> {
    let slot = &memory.table(table)[index(page, LEVEL)];
    let entry = Entry(slot.load(Relaxed));
    if entry.is_table() {
        return Ok(entry.frame());
    }
    if entry.is_present() {
        return Err(Leaf::Large(slot));
    }
    if let State::Remote(source) = entry.state() {
        return Err(Leaf::Folded(slot, LEVEL, source));
    }
    let span = span(LEVEL);
    Err(Leaf::Absent(Page((page.0 & !(span - 1)) + span)))
}

impl PageTable {
    /// Walks down to the table that holds the leaf of `page`.
    #[inline]
    pub(crate) fn leaf<'m, M: TableMemory>(&self, memory: &'m M, page: Page) -> Leaf<'m> {
        let walk = || {
            let table = step::<4, M>(memory, self.root, page)?;
            let table = step::<3, M>(memory, table, page)?;
            step::<2, M>(memory, table, page)
        };
        walk().map_or_else(|end| end, Leaf::Table)
    }

    /// The entry of `page`; for a page of a 2 MiB leaf, that leaf. What is folded is told as remote.
    #[inline]
    pub fn entry<M: TableMemory>(&self, memory: &M, page: Page) -> Entry {
        match self.leaf(memory, page) {
            Leaf::Table(table) => Entry(memory.table(table)[index(page, 1)].load(Relaxed)),
            Leaf::Large(slot) => Entry(slot.load(Relaxed)),
            Leaf::Absent(_) => Entry::EMPTY,
            Leaf::Folded(_, _, source) => Entry::remote(source),
        }
    }

    /// The entry of `page` and where it is.
    #[inline]
    pub(crate) fn find<M: TableMemory>(&self, memory: &M, page: Page) -> (Entry, Place) {
        let (entry, leaf) = match self.leaf(memory, page) {
            Leaf::Table(table) => (
                Entry(memory.table(table)[index(page, 1)].load(Relaxed)),
                Some(table),
            ),
            Leaf::Large(slot) => (Entry(slot.load(Relaxed)), None),
            Leaf::Absent(_) => (Entry::EMPTY, None),
            Leaf::Folded(_, _, source) => (Entry::remote(source), None),
        };
        (
            entry,
            Place {
                page,
                leaf,
                epoch: self.epoch,
            },
        )
    }

    /// The word of a place, with the tables that lead to it made where they are missing.
    #[inline]
    pub(crate) fn slot<'m, M: TableMemory>(
        &mut self,
        memory: &'m M,
        place: Place,
    ) -> Result<&'m AtomicU64, OutOfTables> {
        let table = match place.leaf {
            Some(table) if place.epoch == self.epoch => table,
            _ => self.reach(memory, place.page, 1)?,
        };
        Ok(&memory.table(table)[index(place.page, 1)])
    }

    /// The table of `level` (1 to 3) for `page`, made where it is missing; a 2 MiB leaf in the way is split, a folded
    /// entry unfolded.
    pub(crate) fn reach<M: TableMemory>(
        &mut self,
        memory: &M,
        page: Page,
        level: u32,
    ) -> Result<Frame, OutOfTables> {
        let mut table = self.root;
        for above in (level + 1..=4).rev() {
            let slot = &memory.table(table)[index(page, above)];
            let mut entry = Entry(slot.load(Relaxed));
            if let State::Remote(source) = entry.state() {
                entry = self.unfold(memory, slot, page, above, source)?;
            }
            table = if entry.is_large() {
                self.split(memory, slot)?
            } else if entry.is_present() {
                entry.frame()
            } else {
                let new = memory.allocate_table().ok_or(OutOfTables)?;
                self.tables += 1;
                slot.store(Entry::table(new).0, Relaxed);
                new
            };
        }
        Ok(table)
    }

    /// Replaces a 2 MiB leaf by a table of 512 leaves that say the same.
    pub(super) fn split<M: TableMemory>(
        &mut self,
        memory: &M,
        slot: &AtomicU64,
    ) -> Result<Frame, OutOfTables> {
        let new = memory.allocate_table().ok_or(OutOfTables)?;
        self.tables += 1;
        // The processor may mark the large leaf until the table replaces it.
        let mut large = Entry(slot.load(Relaxed));
        loop {
            for (i, word) in memory.table(new).iter().enumerate() {
                word.store(large.small().0 + ((i as u64) << 12), Relaxed);
            }
            match slot.compare_exchange(large.0, Entry::table(new).0, Relaxed, Relaxed) {
                Ok(_) => return Ok(new),
                Err(now) => large = Entry(now),
            }
        }
    }
}
