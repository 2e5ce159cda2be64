//! The reverse map's end in a space: find, age and replace the entries of a frame.

use core::sync::atomic::Ordering::Relaxed;

use super::AddressSpace;
use super::mapping::{Backing, Flags, Object, Of};
use crate::addr::{Frame, PAGES_PER_2M, Page, PageRange};
use crate::flush::FlushDebt;
use crate::frames::{Owner, Sharers, Use};
use crate::table::{Entry, Released, Slot, State, TableMemory, release};

/// What the entries of a frame in one space say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Age {
    /// Entries that map it.
    pub entries: u32,
    /// Whether it was used since the last look.
    pub accessed: bool,
    /// Whether it was written.
    pub dirty: bool,
    /// Whether it is part of a 2 MiB page.
    pub large: bool,
    /// Whether another torus may be reading it, or the program has locked it.
    pub pinned: bool,
}

/// What takes the place of entries of a frame that is evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// Nothing: the content can be made again.
    Drop,
    /// The swap slot that the content is written to; each entry takes a reference.
    Slot(Slot),
}

impl<O: Object> AddressSpace<O> {
    /// Reads and clears the accessed marks of a frame's entries (no flush: a stale mark costs a
    /// second chance, no more).
    pub fn age<M: TableMemory>(&self, memory: &M, frame: Frame) -> Age {
        let mut age = Age::default();
        self.entries(memory, frame, |page| {
            age.pinned |= self.is_locked(page);
            self.table
                .visit(memory, PageRange::at(page, 1), |_, slot, entry| {
                    age.entries += 1;
                    age.accessed |= entry.is_accessed();
                    age.dirty |= entry.is_dirty();
                    age.large |= entry.is_large();
                    age.pinned |= entry.is_pinned();
                    // The mark of a 2 MiB page is that of its first frame.
                    if entry.is_accessed()
                        && (!entry.is_large() || page.0.is_multiple_of(PAGES_PER_2M))
                    {
                        slot.fetch_and(Entry(u64::MAX).aged().0, Relaxed);
                    }
                });
        });
        age
    }

    /// Replaces all entries of a frame in this space. The caller holds a reference to the frame while
    /// its content is on the way to the slot.
    pub fn evict<M: TableMemory>(
        &mut self,
        memory: &M,
        frame: Frame,
        replacement: Replacement,
    ) -> FlushDebt {
        let mut debt = FlushDebt::none();
        let mut gone = Released::default();
        let mut swapped = 0;
        self.entries(memory, frame, |page| {
            if self.is_locked(page) {
                return;
            }
            self.table
                .visit(memory, PageRange::at(page, 1), |_, slot, entry| {
                    if entry.is_large() || entry.is_pinned() {
                        return;
                    }
                    let new = match replacement {
                        Replacement::Drop => Entry::EMPTY,
                        Replacement::Slot(to) => {
                            if !memory.slots().is_some_and(|s| s.share(to)) {
                                return;
                            }
                            swapped += 1;
                            Entry::swap(to)
                        }
                    };
                    let old = Entry(slot.swap(new.0, Relaxed));
                    if old.is_present() {
                        debt.add_pages(PageRange::at(page, 1));
                        debt.cover(memory.frames(), frame);
                    }
                    release(memory, old, &mut debt, &mut gone);
                });
        });
        self.account(gone);
        self.swapped += swapped;
        debt
    }

    /// Splits the 2 MiB pages that a frame is part of, as far as there is memory for tables: their pages may be evicted then.
    pub fn split<M: TableMemory>(&mut self, memory: &M, frame: Frame) -> FlushDebt {
        let mut debt = FlushDebt::none();
        while let Some(page) = self.large_page(memory, frame) {
            let range = PageRange::at(page, 1);
            if self.table.split_all(memory, range).is_err() {
                break;
            }
            debt.add_pages(range);
        }
        debt
    }

    /// A page whose 2 MiB entry maps the frame.
    fn large_page<M: TableMemory>(&self, memory: &M, frame: Frame) -> Option<Page> {
        let mut found = None;
        self.entries(memory, frame, |page| {
            if self.table.entry(memory, page).is_large() {
                found = Some(page);
            }
        });
        found
    }

    /// Undoes [`AddressSpace::evict`]: entries of private memory that refer to `slot` for page `index` of the lineage get `frame`,
    /// which holds what the slot held and is assigned to the lineage. Each entry takes a reference and gives the slot's
    /// back; who writes has to ask first. Answers how many entries there were. Takes no memory, and no core has anything to
    /// forget.
    pub fn restore<M: TableMemory>(
        &mut self,
        memory: &M,
        index: u64,
        slot: Slot,
        frame: Frame,
    ) -> u64 {
        let mut restored = 0;
        let pages = index..index.saturating_add(1);
        for mapping in self.mappings.showing(None, pages, || memory.pause()) {
            let page = mapping.range.start + (index - mapping.origin);
            let entry = Entry::leaf(frame, mapping.rights.without_write()).touched(false);
            self.table
                .visit(memory, PageRange::at(page, 1), |_, word, old| {
                    if old.state() == State::Swap(slot) {
                        memory.frames().share(frame);
                        word.store(entry.0, Relaxed);
                        restored += 1;
                        if let Some(slots) = memory.slots() {
                            slots.release(slot);
                        }
                    }
                });
        }
        self.swapped -= restored;
        self.entered(restored);
        restored
    }

    fn is_locked(&self, page: Page) -> bool {
        let mapping = self.mappings.find(page);
        mapping.is_some_and(|mapping| mapping.flags.contains(Flags::LOCKED))
    }

    /// Calls `tell` with each page whose entry maps the frame by a reference.
    fn entries<M: TableMemory>(&self, memory: &M, frame: Frame, mut tell: impl FnMut(Page)) {
        let frames = memory.frames();
        let Some((owner, index)) = frames.owner(frame) else {
            return;
        };
        match frames.usage(frame) {
            Use::Private if owner == self.lineage => {
                self.entries_at(memory, frame, None, index, tell);
            }
            Use::Cached => {
                let sharers = match owner {
                    Owner::CONTENT => memory.sharers(index),
                    object => Sharers::One(object, index),
                };
                match sharers {
                    Sharers::Nobody => {}
                    Sharers::One(object, index) => {
                        self.entries_at(memory, frame, Some(object), index, tell);
                    }
                    Sharers::Many => self.entries_anywhere(memory, frame, &mut tell),
                }
            }
            _ => {}
        }
    }

    /// In the mappings that show page `index` of an object, or of the private copies.
    fn entries_at<M: TableMemory>(
        &self,
        memory: &M,
        frame: Frame,
        of: Of,
        index: u64,
        mut tell: impl FnMut(Page),
    ) {
        let pages = index..index.saturating_add(1);
        for mapping in self.mappings.showing(of, pages, || memory.pause()) {
            let Some(first) = mapping.first(of) else {
                continue;
            };
            let page = mapping.range.start + (index - first);
            let entry = self.table.entry(memory, page);
            let within = if entry.is_large() {
                page.0 % PAGES_PER_2M
            } else {
                0
            };
            if entry.is_counted() && entry.frame() + within == frame {
                tell(page);
            }
        }
    }

    /// In all mappings of immutable objects: for the rare content that several pages of objects share.
    fn entries_anywhere<M: TableMemory>(
        &self,
        memory: &M,
        frame: Frame,
        tell: &mut impl FnMut(Page),
    ) {
        for mapping in self.mappings.iter(|| memory.pause()) {
            if !matches!(&mapping.backing, Backing::Object { object, .. } if object.is_content()) {
                continue;
            }
            self.table.visit(memory, mapping.range, |page, _, entry| {
                if entry.is_counted() && !entry.is_large() && entry.frame() == frame {
                    tell(page);
                }
            });
        }
    }
}
