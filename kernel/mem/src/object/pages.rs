//! What an object shows at its pages.

use super::{Look, MemoryObject, Pages, Shown, SourceError};
use crate::frame_ref::FrameRef;
use vm::hash::PageBytes;

impl MemoryObject {
    /// The first page from `index` on that has content, as far as this torus knows.
    pub fn next_stored(&self, index: u64) -> Option<u64> {
        match &self.pages {
            Pages::Own(own) => own.next_stored(index),
            Pages::Pager(pager) => pager.next_stored(index),
        }
    }

    /// What page `index` shows; its frame is made when it is not there.
    pub fn page(&self, index: u64) -> Result<Shown, SourceError> {
        match &self.pages {
            Pages::Own(own) => own.page(self.owner, index).map(Shown::Frame),
            Pages::Pager(pager) => pager.page(self.owner, index),
        }
    }

    /// The frame of page `index`, if it is there already.
    pub fn present(&self, index: u64) -> Option<FrameRef> {
        self.look().frame(index)
    }

    /// Looks for the frames of pages that are there already. Until it is dropped nobody else looks, and no memory may be asked for.
    pub fn look(&self) -> Look<'_> {
        match &self.pages {
            Pages::Own(own) => Look::Own(own.look()),
            Pages::Pager(pager) => pager.look(self.owner),
        }
    }

    /// The frame of page `index` of an object of its own pages; none when it was never touched.
    pub fn touched(&self, index: u64) -> Result<Option<FrameRef>, SourceError> {
        match &self.pages {
            Pages::Own(own) => own.touched(self.owner, index),
            Pages::Pager(_) => Ok(self.present(index)),
        }
    }

    /// The frame of page `index` of an object of its own pages; none when it is zeros that nobody has touched.
    pub fn stored(&self, index: u64) -> Result<Option<FrameRef>, SourceError> {
        match &self.pages {
            Pages::Own(own) if own.is_made(index) => own.page(self.owner, index).map(Some),
            _ => self.touched(index),
        }
    }

    /// Copies page `index` to `page`, which arrives with any content.
    pub fn copy(&self, index: u64, page: &mut PageBytes) -> Result<(), SourceError> {
        match &self.pages {
            Pages::Own(own) => {
                own.page(self.owner, index)?.copy_to(page);
                Ok(())
            }
            Pages::Pager(pager) => pager.copy(self.owner, index, page),
        }
    }
}
