//! What an object shows at its pages.

use super::super::held::Held;
use super::super::page_cache::Search;
use super::source::leaf;
use super::{Content, MemoryObject, PAGE, Pages, SourceError, own};
use crate::mem::OfTorus as _;
use crate::migrate::lease::{Far, holder};
use vm::addr::Frame;
use vm::frames::{Owner, Use};
use vm::hash::{Digest, PageBytes};

/// What an object shows at a page.
#[derive(Debug)]
pub enum Shown {
    /// Zeros.
    Zero,
    /// A frame.
    Frame(Held),
    /// A frame of another torus, which lends it to all who map the object here.
    Lent(Frame),
}

/// A look at an object's pages.
pub enum Look<'a> {
    /// At its own.
    Own(own::Look<'a>),
    /// At those that the page cache has.
    Content(&'a dyn Content, Search<'a>),
    /// At those that another torus keeps, and this one has too.
    Far(&'a Far, Owner),
}

impl Look<'_> {
    /// The frame of page `index`, if it is there already.
    #[inline]
    pub fn frame(&mut self, index: u64) -> Option<Held> {
        match self {
            Self::Own(own) => own.frame(index),
            Self::Content(content, cache) => {
                let root = content.leaf(index).ok()?;
                cache.find(&root, index)
            }
            Self::Far(far, owner) => far.present(*owner, index),
        }
    }
}

impl MemoryObject {
    /// The first page from `index` on that has content, as far as this torus knows.
    pub fn next_stored(&self, index: u64) -> Option<u64> {
        match &self.pages {
            Pages::Own(own) => own.next_stored(index),
            Pages::Content(content) => {
                (index < content.len().div_ceil(PAGE as u64)).then_some(index)
            }
            Pages::Far(_) => None,
        }
    }

    /// What page `index` shows; its frame is made when it is not there.
    pub fn page(&self, index: u64) -> Result<Shown, SourceError> {
        match &self.pages {
            Pages::Own(own) => own.page(self.owner, index).map(Shown::Frame),
            Pages::Content(content) => self.content_page(&**content, index),
            Pages::Far(far) => far.page(self.owner, index),
        }
    }

    fn content_page(&self, content: &dyn Content, index: u64) -> Result<Shown, SourceError> {
        let root = leaf(content, index)?;
        if root == Digest::ZERO {
            return Ok(Shown::Zero);
        }
        let cache = &tori::here().kept().page_cache;
        let found = cache.search(self.owner).find(&root, index);
        if let Some(frame) = found {
            return Ok(Shown::Frame(frame));
        }
        let frame = match content.frame(index) {
            Some(frame) => frame,
            None => {
                let mut frame = Held::zeroed(Use::Cached).ok_or(SourceError::NoMemory)?;
                frame.fill(|page| content.fill(index, page))?;
                frame
            }
        };
        Ok(Shown::Frame(cache.offer(root, frame, self.owner, index)))
    }

    /// The frame of page `index`, if it is there already.
    pub fn present(&self, index: u64) -> Option<Held> {
        self.look().frame(index)
    }

    /// Looks for the frames of pages that are there already. Until it is dropped nobody else looks, and no memory may be asked for.
    pub fn look(&self) -> Look<'_> {
        match &self.pages {
            Pages::Own(own) => Look::Own(own.look()),
            Pages::Content(content) => {
                let cache = &tori::here().kept().page_cache;
                Look::Content(&**content, cache.search(self.owner))
            }
            Pages::Far(far) => Look::Far(far, self.owner),
        }
    }

    /// The frame of page `index` of an object of its own pages; none when it was never touched.
    pub fn touched(&self, index: u64) -> Result<Option<Held>, SourceError> {
        match &self.pages {
            Pages::Own(own) => own.touched(self.owner, index),
            Pages::Content(_) | Pages::Far(_) => Ok(self.present(index)),
        }
    }

    /// The frame of page `index` of an object of its own pages; none when it is zeros that nobody has touched.
    pub fn stored(&self, index: u64) -> Result<Option<Held>, SourceError> {
        match &self.pages {
            Pages::Own(own) if own.is_made(index) => own.page(self.owner, index).map(Some),
            _ => self.touched(index),
        }
    }

    /// Copies page `index` to `page`, which arrives with any content.
    pub fn copy(&self, index: u64, page: &mut PageBytes) -> Result<(), SourceError> {
        match &self.pages {
            Pages::Own(own) => own.page(self.owner, index)?.copy_to(page),
            Pages::Content(content) => {
                // A page that programs only ever write is not worth a frame of the cache's.
                if let Some(frame) = self.present(index) {
                    frame.copy_to(page);
                } else {
                    let zero = leaf(&**content, index)? == Digest::ZERO;
                    page.fill(0);
                    if !zero {
                        content.fill(index, page)?;
                    }
                }
            }
            Pages::Far(far) => match far.page(self.owner, index)? {
                Shown::Zero => page.fill(0),
                Shown::Frame(frame) => frame.copy_to(page),
                Shown::Lent(frame) => holder::copy(frame, page),
            },
        }
        Ok(())
    }
}
