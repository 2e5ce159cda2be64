//! Who supplies the pages of an object that are not its own.

use super::content::Cached;
use super::own;
use super::source::SourceError;
use crate::frame_ref::FrameRef;
use core::any::Any;
use tori::RemoteFrame;
use vm::frames::Owner;
use vm::hash::{Digest, PageBytes};

/// What an object shows at a page.
#[derive(Debug)]
pub enum Shown {
    /// Zeros.
    Zero,
    /// A frame.
    Frame(FrameRef),
    /// A frame of another torus, which lends it to all who map the object here.
    Lent(RemoteFrame),
}

/// A look at an object's pages.
pub enum Look<'a> {
    /// At its own.
    Own(own::Look<'a>),
    /// At content that the page cache has.
    Content(Cached<'a>),
    /// At those that a pager has at hand.
    Each(&'a dyn Pager, Owner),
}

impl Look<'_> {
    /// The frame of page `index`, if it is there already.
    #[inline]
    pub fn frame(&mut self, index: u64) -> Option<FrameRef> {
        match self {
            Self::Own(own) => own.frame(index),
            Self::Content(content) => content.frame(index),
            Self::Each(pager, owner) => pager.present(*owner, index),
        }
    }
}

/// A supplier of pages. `owner` is always the name of the object that asks.
#[expect(
    clippy::len_without_is_empty,
    reason = "a length in bytes, which may be 0 like any other"
)]
pub trait Pager: Any + Send + Sync {
    /// Length in bytes, as far as it is known here.
    fn len(&self) -> u64;

    /// What page `index` shows.
    ///
    /// # Errors
    /// [`SourceError`]; after [`SourceError::Wait`] whom this core works for is enrolled.
    fn page(&self, owner: Owner, index: u64) -> Result<Shown, SourceError>;

    /// The frame of page `index`, if it is there already.
    fn present(&self, owner: Owner, index: u64) -> Option<FrameRef>;

    /// Looks for pages that are there already. Until it is dropped nobody else looks, and no memory may be asked for.
    fn look(&self, owner: Owner) -> Look<'_>;

    /// Copies page `index` to `page`, which arrives with any content.
    ///
    /// # Errors
    /// As for [`Pager::page`].
    fn copy(&self, owner: Owner, index: u64, page: &mut PageBytes) -> Result<(), SourceError> {
        match self.page(owner, index)? {
            Shown::Zero => page.fill(0),
            Shown::Frame(frame) => frame.copy_to(page),
            Shown::Lent(frame) => frame.copy_to(page),
        }
        Ok(())
    }

    /// Whether its pages never change.
    fn is_content(&self) -> bool;

    /// What page `index` contributes to a tree, if that is known here.
    fn root(&self, _index: u64) -> Option<Digest> {
        None
    }

    /// The first page from `index` on that has content, as far as this torus knows.
    fn next_stored(&self, _index: u64) -> Option<u64> {
        None
    }

    /// A number by which every torus knows the same bytes.
    fn common_name(&self) -> Option<u64> {
        None
    }

    /// The object has ended.
    fn ended(&self) {}
}
