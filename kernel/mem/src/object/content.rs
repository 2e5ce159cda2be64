//! Immutable content: pages that are known by their roots, and whose frames are the page cache's.

use super::pager::{Look, Pager, Shown};
use super::source::leaf;
use super::source::{Content, SourceError};
use crate::OfTorus as _;
use crate::frame_ref::FrameRef;
use crate::page_cache::Search;
use alloc::sync::Arc;
use vm::addr::PAGE_SIZE;
use vm::frames::{Owner, Use};
use vm::hash::{Digest, PageBytes};

/// The pages of content.
pub(super) struct ContentPages(pub(super) Arc<dyn Content>);

/// A look at those that the page cache has.
pub struct Cached<'a>(&'a dyn Content, Search<'a>);

impl Cached<'_> {
    /// The frame of page `index`, if it is there.
    #[inline]
    pub(super) fn frame(&mut self, index: u64) -> Option<FrameRef> {
        let root = self.0.leaf(index).ok()?;
        self.1.find(&root, index)
    }
}

impl ContentPages {
    fn cached(&self, owner: Owner) -> Cached<'_> {
        let cache = &tori::here().kept().page_cache;
        Cached(&*self.0, cache.search(owner))
    }
}

impl Pager for ContentPages {
    fn len(&self) -> u64 {
        self.0.len()
    }

    fn page(&self, owner: Owner, index: u64) -> Result<Shown, SourceError> {
        let content = &*self.0;
        let root = leaf(content, index)?;
        if root == Digest::ZERO {
            return Ok(Shown::Zero);
        }
        let cache = &tori::here().kept().page_cache;
        let found = cache.search(owner).find(&root, index);
        if let Some(frame) = found {
            return Ok(Shown::Frame(frame));
        }
        let frame = match content.frame(index) {
            Some(frame) => frame,
            None => {
                let mut frame = FrameRef::zeroed(Use::Cached).ok_or(SourceError::NoMemory)?;
                frame.fill(|page| content.fill(index, page))?;
                frame
            }
        };
        Ok(Shown::Frame(cache.offer(root, frame, owner, index)))
    }

    fn present(&self, owner: Owner, index: u64) -> Option<FrameRef> {
        self.cached(owner).frame(index)
    }

    fn look(&self, owner: Owner) -> Look<'_> {
        Look::Content(self.cached(owner))
    }

    fn copy(&self, owner: Owner, index: u64, page: &mut PageBytes) -> Result<(), SourceError> {
        // A page that programs only ever write is not worth a frame of the cache's.
        if let Some(frame) = self.present(owner, index) {
            frame.copy_to(page);
            return Ok(());
        }
        let zero = leaf(&*self.0, index)? == Digest::ZERO;
        page.fill(0);
        if zero {
            Ok(())
        } else {
            self.0.fill(index, page)
        }
    }

    fn is_content(&self) -> bool {
        true
    }

    fn root(&self, index: u64) -> Option<Digest> {
        leaf(&*self.0, index).ok()
    }

    fn next_stored(&self, index: u64) -> Option<u64> {
        (index < self.len().div_ceil(PAGE_SIZE as u64)).then_some(index)
    }

    fn common_name(&self) -> Option<u64> {
        self.0.common_name()
    }
}
