//! Whether every entry of a space leads to a frame that is its own: for checks while the kernel is tested.

use super::AddressSpace;
use super::mapping::{Backing, Mapping, Object};
use crate::addr::{Frame, PAGES_PER_2M, Page};
use crate::frames::{Owner, Use};
use crate::table::{Entry, Led, TableMemory};

/// An entry that leads where it must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stray {
    /// The frame of a table is used for something else.
    #[error("the table for {page:?} is in {frame:?}, which is used as {used:?}")]
    Table {
        /// The first page that the table is for.
        page: Page,
        /// Its frame.
        frame: Frame,
        /// What the frame is used for.
        used: Use,
    },
    /// Nothing is mapped where an entry is.
    #[error("{page:?} is not mapped, but has {entry:x?}")]
    Unmapped {
        /// The page.
        page: Page,
        /// Its entry.
        entry: Entry,
    },
    /// The frame is not that page's.
    #[error("{page:?} has {entry:x?}, but {frame:?} is used as {used:?} by {owner:x?}")]
    Frame {
        /// The page.
        page: Page,
        /// Its entry.
        entry: Entry,
        /// The frame.
        frame: Frame,
        /// What the frame is used for.
        used: Use,
        /// By whom, and which page of it.
        owner: Option<(Owner, u64)>,
    },
}

impl<O: Object> AddressSpace<O> {
    /// Calls `tell` with each entry that leads to what is not its page's, as the frame's record has it. `lent` says whether a frame
    /// stands for a page of an object without a reference; a space that no core will load again may have any such.
    pub fn audit<M: TableMemory>(
        &self,
        memory: &M,
        lent: impl Fn(&O, u64, Frame) -> bool,
        mut tell: impl FnMut(Stray),
    ) {
        self.table.each(memory, |page, led| match led {
            Led::Table(frame) => {
                let used = memory.frames().usage(frame);
                if used != Use::Table {
                    tell(Stray::Table { page, frame, used });
                }
                used == Use::Table
            }
            Led::Leaf(entry) => {
                let pages = if entry.is_large() { PAGES_PER_2M } else { 1 };
                for n in 0..pages {
                    let (page, frame) = (page + n, entry.frame() + n);
                    let Some(mapping) = self.mappings.find(page) else {
                        tell(Stray::Unmapped { page, entry });
                        break;
                    };
                    if !self.is_own(memory, mapping, (page, entry, frame), &lent) {
                        let (used, owner) =
                            (memory.frames().usage(frame), memory.frames().owner(frame));
                        tell(Stray::Frame {
                            page,
                            entry,
                            frame,
                            used,
                            owner,
                        });
                    }
                }
                true
            }
        });
    }

    /// Whether a frame is what a mapping has at a page.
    fn is_own<M: TableMemory>(
        &self,
        memory: &M,
        mapping: &Mapping<O>,
        (page, entry, frame): (Page, Entry, Frame),
        lent: &impl Fn(&O, u64, Frame) -> bool,
    ) -> bool {
        let object = match &mapping.backing {
            Backing::Zero => None,
            Backing::Object { object, offset, .. } => {
                Some((object, offset + (page - mapping.range.start)))
            }
        };
        if !entry.is_counted() {
            let zero = !entry.is_of_object() && frame == memory.zero_frame();
            return zero || object.is_some_and(|(object, index)| lent(object, index, frame));
        }
        let frames = memory.frames();
        let owner = frames.owner(frame);
        let known = match (frames.usage(frame), object) {
            (Use::Private, _) if !entry.is_of_object() => {
                owner == Some((self.lineage, mapping.index(page)))
            }
            // Content that was this process's private memory before, or is the object's.
            (Use::Cached, object) => owner.is_some_and(|(owner, index)| {
                owner == Owner::CONTENT
                    || object.is_some_and(|(object, at)| (object.owner(), at) == (owner, index))
            }),
            _ => false,
        };
        known && frames.shares(frame) > 0
    }
}
