//! What a mapping of an object shows.

use super::Handle;
use super::supply::Page;
use mem::frame_ref::FrameRef;
use mem::object::{Content, PageSource, SourceError};
use vm::addr::PAGE_SIZE;
use vm::hash::{Digest, PageBytes};
use vm::vmo::{PageView, VmoError};

/// An object whose id has been asked for, with all rights: what a mapping may do was decided when it was made.
pub struct Shown(pub Handle);

impl PageSource for Shown {
    fn len(&self) -> u64 {
        self.0.size()
    }

    fn fill(&self, index: u64, page: &mut PageBytes) -> Result<(), SourceError> {
        let start = index * PAGE_SIZE as u64;
        let held = self.0.size().saturating_sub(start).min(PAGE_SIZE as u64);
        self.0
            .read(start, &mut page[..held as usize])
            .map_err(failed)
    }
}

impl Content for Shown {
    fn leaf(&self, index: u64) -> Result<Digest, SourceError> {
        self.0.leaf(index).map_err(failed)
    }

    fn frame(&self, index: u64) -> Option<FrameRef> {
        match self.0.page(index) {
            Ok(PageView::Page(page)) => {
                let page: &Page = page.memory();
                page.frame()
            }
            _ => None,
        }
    }
}

fn failed(error: VmoError) -> SourceError {
    match error {
        VmoError::OutOfRange { .. } => SourceError::BeyondEnd,
        _ => SourceError::NoMemory,
    }
}
