//! Address spaces of the emulation: what is mapped, and a page table that may be folded.

use std::collections::{BTreeMap, BTreeSet};

use torus::{TorusId, migrate::RemotePages};
use vm::{addr::Page, table::Source};

/// Pages of a table of leaves: what is folded or unfolded at a time.
pub(super) const BLOCK: u64 = 4;

/// What backs a mapped page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backing {
    /// Private memory, which was written.
    Private,
    /// Shared memory that was made on this torus.
    Own(usize),
    /// Shared memory of this torus, by its number there.
    Far(TorusId, u64),
}

/// A page-table entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// In a frame of this torus, perhaps shared copy-on-write.
    Present(u64),
    /// In a swap slot of this torus.
    Swapped(u64),
    /// As the table of this source says.
    Remote(Source),
    /// An object's frame on this torus.
    Shared(u64),
    /// A frame of an object of this torus.
    Lent(TorusId, u64),
}

/// An address space, live or frozen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Memory {
    /// The frame of its page table.
    pub table_frame: u64,
    /// What is mapped.
    pub mapped: BTreeMap<Page, Backing>,
    /// Pages that children do not get.
    pub left_out: BTreeSet<Page>,
    /// The page table.
    pub table: BTreeMap<Page, Entry>,
    /// Blocks that are as in the table of a source.
    pub folded: BTreeMap<u64, Source>,
}

/// The block of a page.
pub(super) const fn block(page: Page) -> u64 {
    page.0 / BLOCK
}

impl Memory {
    /// Nothing mapped.
    pub const fn new(table_frame: u64) -> Self {
        Self {
            table_frame,
            mapped: BTreeMap::new(),
            left_out: BTreeSet::new(),
            table: BTreeMap::new(),
            folded: BTreeMap::new(),
        }
    }

    /// The entry of a page; what is folded is remote.
    pub fn entry(&self, page: Page) -> Option<Entry> {
        let folded = self.folded.get(&block(page));
        folded
            .map(|source| Entry::Remote(*source))
            .or_else(|| self.table.get(&page).copied())
    }

    /// The objects of this torus that it maps, once for each page.
    pub fn own_objects(&self) -> impl Iterator<Item = usize> {
        self.mapped.values().filter_map(|backing| match backing {
            Backing::Own(number) => Some(*number),
            Backing::Private | Backing::Far(..) => None,
        })
    }

    /// The objects of other tori that it maps, once for each page.
    pub fn far_objects(&self) -> impl Iterator<Item = (TorusId, u64)> {
        self.mapped.values().filter_map(|backing| match backing {
            Backing::Far(home, number) => Some((*home, *number)),
            Backing::Private | Backing::Own(_) => None,
        })
    }

    /// Folds it: everything is as in `frozen`, the table of `source`.
    pub fn fold(&mut self, frozen: &Self, source: Source) {
        let leaves = frozen.table.keys().map(|page| (block(*page), source));
        self.folded = leaves.collect();
        self.folded.extend(&frozen.folded);
    }

    /// Unfolds a block whose source is `frozen`.
    pub fn unfold(&mut self, number: u64, frozen: &Self) {
        let Some(source) = self.folded.remove(&number) else {
            return;
        };
        let pages = Page(number * BLOCK)..Page((number + 1) * BLOCK);
        for (page, entry) in frozen.table.range(pages) {
            let entry = match *entry {
                Entry::Present(_) | Entry::Swapped(_) => Entry::Remote(source),
                Entry::Remote(further) => Entry::Remote(further),
                Entry::Shared(_) | Entry::Lent(..) => continue,
            };
            self.table.insert(*page, entry);
        }
    }

    /// Something that leads to another table, if anything does.
    pub fn next_away(&self) -> Option<(Page, Source)> {
        self.table.iter().find_map(|(page, entry)| match entry {
            Entry::Remote(source) => Some((*page, *source)),
            _ => None,
        })
    }
}

impl RemotePages for Memory {
    fn remote(&self, source: Source, first: Page) -> u64 {
        let pages = self.table.range(first..first + 64);
        let remote = pages.filter(|(_, entry)| **entry == Entry::Remote(source));
        remote.fold(0, |mask, (page, _)| mask | 1 << (*page - first))
    }
}

/// What a process without an address space shows to its machine.
pub(super) struct Nothing;

impl RemotePages for Nothing {
    fn remote(&self, _: Source, _: Page) -> u64 {
        0
    }
}
