//! Folded tables: how a table begins that has come from another torus.
//!
//! The torus that a process leaves keeps its frozen table, a *source*. The new table begins with its top entries *folded*:
//! all below is as in the source. Each is unfolded when something below it is touched, by reading the source, so that a
//! move costs the same however much memory the process has. A remote entry never says which frame its page is in: that is
//! in the source, at the same place, and may change there until the page is granted.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use fallible::TryVec;

use super::walk::{Leaf, index, span};
use super::{Entry, OutOfTables, PageTable, Source, State, TableMemory};
use crate::addr::{Frame, Page, PageRange};

/// Entries of the top table that are for programs.
const LOWER: usize = 256;

/// Something that is not on this torus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Away {
    /// A page.
    Page(Page, Source),
    /// Everything from this page on, for the span of a folded entry.
    Folded(Page, Source),
}

/// What a source has in place of a folded entry.
enum Found {
    Table(Frame),
    /// 512 pages that lie together.
    Large,
    Nothing,
}

/// Words that are translated between two looks for interrupts.
const PIECE: usize = 16;

impl PageTable {
    /// Says which frame the top table of a source is in.
    ///
    /// # Errors
    /// [`OutOfTables`] without memory to note it.
    pub(crate) fn set_source(&mut self, source: Source, root: Frame) -> Result<(), OutOfTables> {
        if let Some(known) = self.sources.iter_mut().find(|known| known.0 == source) {
            known.1 = root;
            return Ok(());
        }
        let noted = self.sources.try_push((source, root));
        noted.map_err(|_| OutOfTables)
    }

    /// Makes room for so many sources more, none of which [`Self::set_source`] refuses then.
    ///
    /// # Errors
    /// [`OutOfTables`] without memory.
    pub(crate) fn expect_sources(&mut self, more: usize) -> Result<(), OutOfTables> {
        let room = self.sources.try_reserve(more);
        room.map_err(|_| OutOfTables)
    }

    /// The top table of a source.
    pub fn root_of(&self, source: Source) -> Option<Frame> {
        let known = self.sources.iter().find(|known| known.0 == source);
        known.map(|known| known.1)
    }

    /// No remote entry refers to a source any more.
    pub(crate) fn forget_source(&mut self, source: Source) {
        self.sources.retain(|known| known.0 != source);
    }

    /// Makes this table, which is empty, say what a source says.
    pub(crate) fn fold<M: TableMemory>(&self, memory: &M, source: Source) {
        let Some(root) = self.root_of(source) else {
            return;
        };
        let words = memory.table(self.root).iter().zip(memory.table(root));
        for (at, (word, old)) in words.take(LOWER).enumerate() {
            word.store(upper(Entry(old.load(Relaxed)), source).0, Relaxed);
            pause_at(memory, at);
        }
    }

    /// Replaces a folded entry of level `above` on the way to `page` by what it stands for, one level deep; answers with
    /// the new entry.
    pub(super) fn unfold<M: TableMemory>(
        &mut self,
        memory: &M,
        slot: &AtomicU64,
        page: Page,
        above: u32,
        source: Source,
    ) -> Result<Entry, OutOfTables> {
        let level = above - 1;
        let root = self.root_of(source).ok_or(OutOfTables)?;
        let translate = |word: &AtomicU64| match level {
            1 => leaf(Entry(word.load(Relaxed)), source),
            _ => upper(Entry(word.load(Relaxed)), source),
        };
        let found = find(memory, root, page, level);
        let bare = match found {
            Found::Table(table) => memory.table(table).iter().enumerate().all(|(at, word)| {
                pause_at(memory, at);
                translate(word).is_empty()
            }),
            Found::Large => false,
            Found::Nothing => true,
        };
        if bare {
            slot.store(0, Relaxed);
            return Ok(Entry::EMPTY);
        }
        let new = memory.allocate_table().ok_or(OutOfTables)?;
        self.tables += 1;
        memory.pause();
        for (at, word) in memory.table(new).iter().enumerate() {
            let entry = match found {
                Found::Table(table) => translate(&memory.table(table)[at]),
                Found::Large | Found::Nothing => Entry::remote(source),
            };
            word.store(entry.0, Relaxed);
            pause_at(memory, at);
        }
        let entry = Entry::table(new);
        slot.store(entry.0, Relaxed);
        memory.pause();
        Ok(entry)
    }

    /// Unfolds what leads to `page`.
    ///
    /// # Errors
    /// [`OutOfTables`]: the table says what it said.
    pub(crate) fn unfold_to<M: TableMemory>(
        &mut self,
        memory: &M,
        page: Page,
    ) -> Result<(), OutOfTables> {
        while let Leaf::Folded(slot, level, source) = self.leaf(memory, page) {
            self.unfold(memory, slot, page, level, source)?;
        }
        Ok(())
    }

    /// Unfolds what reaches over the start of `page`.
    ///
    /// # Errors
    /// [`OutOfTables`]: the table says what it said.
    pub(super) fn unfold_over<M: TableMemory>(
        &mut self,
        memory: &M,
        page: Page,
    ) -> Result<(), OutOfTables> {
        while let Leaf::Folded(slot, level, source) = self.leaf(memory, page)
            && !page.0.is_multiple_of(span(level))
        {
            self.unfold(memory, slot, page, level, source)?;
        }
        Ok(())
    }

    /// Drops the folded entries within the range, over whose ends none reaches.
    pub(crate) fn drop_folded<M: TableMemory>(&self, memory: &M, range: PageRange) {
        if self.sources.is_empty() {
            return;
        }
        let mut page = range.start;
        while page < range.end {
            let leaf = self.leaf(memory, page);
            let next = leaf.next(page);
            if let Leaf::Folded(slot, ..) = leaf
                && next <= range.end
            {
                slot.store(0, Relaxed);
            }
            page = next;
            memory.pause();
        }
    }

    /// The first page or folded entry of the range that is not on this torus.
    pub(crate) fn next_away<M: TableMemory>(&self, memory: &M, range: PageRange) -> Option<Away> {
        let mut page = range.start;
        while !self.sources.is_empty() && page < range.end {
            let leaf = self.leaf(memory, page);
            let next = leaf.next(page).min(range.end);
            match leaf {
                Leaf::Folded(_, _, source) => return Some(Away::Folded(page, source)),
                Leaf::Table(table) => {
                    let words = &memory.table(table)[index(page, 1)..];
                    let pages = PageRange::new(page, next).iter().zip(words);
                    for (page, word) in pages {
                        if let State::Remote(source) = Entry(word.load(Relaxed)).state() {
                            return Some(Away::Page(page, source));
                        }
                    }
                }
                Leaf::Large(_) | Leaf::Absent(_) => {}
            }
            page = next;
            memory.pause();
        }
        None
    }
}

/// Pauses where it is time, after the word with this number: a word costs some hundred instructions.
fn pause_at<M: TableMemory>(memory: &M, at: usize) {
    if at % PIECE == PIECE - 1 {
        memory.pause();
    }
}

/// The word of `page`, or of the 2 MiB leaf around it, in the table whose top is `root`, which may be another torus's.
pub(crate) fn word_of<M: TableMemory>(memory: &M, root: Frame, page: Page) -> Option<&AtomicU64> {
    let mut table = root;
    for level in (2..=4).rev() {
        let slot = &memory.table(table)[index(page, level)];
        let entry = Entry(slot.load(Relaxed));
        if entry.is_large() {
            return Some(slot);
        }
        if !entry.is_present() {
            return None;
        }
        table = entry.frame();
    }
    Some(&memory.table(table)[index(page, 1)])
}

/// What the table whose top is `root` has as its table of `level` for a page.
fn find<M: TableMemory>(memory: &M, root: Frame, page: Page, level: u32) -> Found {
    let mut table = root;
    for above in (level + 1..=4).rev() {
        let entry = Entry(memory.table(table)[index(page, above)].load(Relaxed));
        if entry.is_large() {
            return Found::Large;
        }
        if !entry.is_present() {
            return Found::Nothing;
        }
        table = entry.frame();
    }
    Found::Table(table)
}

/// What an entry of a higher level of a source is to whoever takes the process over.
fn upper(old: Entry, source: Source) -> Entry {
    match old.state() {
        State::Present(_) => Entry::remote(source),
        State::Remote(further) => Entry::remote(further),
        _ => Entry::EMPTY,
    }
}

/// The same for a leaf. Pages of objects are found by their mappings; zeros are made where they are needed.
fn leaf(old: Entry, source: Source) -> Entry {
    match old.state() {
        State::Present(_) | State::Parked(_) if old.is_counted() && !old.is_of_object() => {
            Entry::remote(source)
        }
        State::Swap(_) => Entry::remote(source),
        State::Remote(further) => Entry::remote(further),
        _ => Entry::EMPTY,
    }
}
