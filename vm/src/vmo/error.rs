//! Why operations on objects are refused.

use thiserror::Error;

use super::Rights;
use super::page::OutOfPages;
use super::tree::MissingPage;
use crate::hash::Digest;

/// Why an operation on an object was refused; it has then changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum VmoError {
    /// Bytes beyond the end, or a range that ends before it begins.
    #[error("bytes {start}..{end} are not within an object of {size} bytes")]
    OutOfRange {
        /// First byte asked for.
        start: u64,
        /// End of the range asked for; `u64::MAX` if it lies beyond.
        end: u64,
        /// Size of the object.
        size: u64,
    },
    /// The result would exceed [`MAX_SIZE`](super::MAX_SIZE).
    #[error("an object can't be larger than 2^63 bytes")]
    TooLarge,
    /// The handle lacks these rights.
    #[error("the handle lacks the rights {0:?}")]
    Denied(Rights),
    /// The handles are of different stores.
    #[error("the objects belong to different stores")]
    ForeignStore,
    /// A page is named twice.
    #[error("page {0} is named twice")]
    Duplicate(u64),
    /// The last page has bytes other than zero after the end of the object.
    #[error("the last page is not zero after the end of the object")]
    DirtyTail,
    /// Two patches of one call change the same byte.
    #[error("two patches change byte {0}")]
    Overlap(u64),
    /// A page is needed of which only the root is held.
    #[error("page {0} is not held")]
    Missing(Digest),
    /// No memory is left for a page.
    #[error(transparent)]
    OutOfPages(#[from] OutOfPages),
}

impl From<MissingPage> for VmoError {
    fn from(MissingPage(root): MissingPage) -> Self {
        Self::Missing(root)
    }
}
