//! The bytes that an object is made of, where they never change.

use crate::frame_ref::FrameRef;
use fallible::NoMemory;
use vm::addr::PAGE_SIZE;
use vm::hash::{Digest, PageBytes};

/// A page of an object could not be produced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceError {
    /// The page lies wholly beyond the end: SIGBUS.
    BeyondEnd,
    /// Files in memory have as many pages as they may: SIGBUS, or ENOSPC.
    Full,
    /// No memory for it.
    NoMemory,
    /// It is on its way from the swap disk: whoever waits is enrolled.
    Wait,
    /// The swap disk has lost it.
    Lost,
}

impl From<NoMemory> for SourceError {
    fn from(_: NoMemory) -> Self {
        Self::NoMemory
    }
}

/// Bytes that never change, by page.
#[expect(
    clippy::len_without_is_empty,
    reason = "a length in bytes, which may be 0 like any other"
)]
pub trait PageSource: Send + Sync {
    /// Length in bytes.
    fn len(&self) -> u64;

    /// Writes page `index` (its tail beyond `len` zeroed) to `page`, which arrives zeroed.
    fn fill(&self, index: u64, page: &mut PageBytes) -> Result<(), SourceError>;

    /// A number by which every torus knows the same bytes.
    fn common_name(&self) -> Option<u64> {
        None
    }

    /// A number that sources of the same bytes share and no others, so that they share one object per torus.
    fn identity(&self) -> Option<u64> {
        None
    }
}

/// Bytes that never change, of whose pages the roots are known: their frames are the page cache's.
pub trait Content: PageSource {
    /// What page `index` contributes to a tree; asked only for pages within the length. Neither hashes nor allocates.
    fn leaf(&self, index: u64) -> Result<Digest, SourceError>;

    /// The frame in which page `index` is held, if it is.
    fn frame(&self, _index: u64) -> Option<FrameRef> {
        None
    }
}

pub(super) fn leaf(content: &dyn Content, index: u64) -> Result<Digest, SourceError> {
    if index < content.len().div_ceil(PAGE_SIZE as u64) {
        content.leaf(index)
    } else {
        Err(SourceError::BeyondEnd)
    }
}
