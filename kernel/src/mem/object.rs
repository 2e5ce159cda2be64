//! Memory objects: what a file mapping shows.

/// Bytes per page.
pub const PAGE: usize = 4096;

/// A page of an object could not be produced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceError {
    /// The page lies wholly beyond the end: SIGBUS.
    BeyondEnd,
    /// The device failed: SIGBUS, and a line in the log.
    Device,
    /// No memory for it.
    NoMemory,
}

/// The immutable backing of an object: where its pages come from when they are first touched.
pub trait PageSource: Send + Sync {
    /// Length in bytes.
    fn len(&self) -> u64;

    /// Writes page `index` (its tail beyond `len` zeroed) to `page`, which arrives zeroed.
    fn fill(&self, index: u64, page: &mut [u8; PAGE]) -> Result<(), SourceError>;
}
