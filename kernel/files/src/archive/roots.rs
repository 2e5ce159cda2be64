//! The page roots of the archive's files, computed when the archive was made: its last entry, [`NAME`], which is no file of the tree.
//!
//! ```text
//! "BRAIDPR1"
//! records (u64), then for each regular file that is not empty, ascending:
//!     offset of the file's first byte in the archive (u64)
//!     length in bytes (u64)
//!     id of the file as a memory object (32 bytes)
//! for each record in order and each of its pages: what the page contributes to the tree (32 bytes)
//! ```
//! Numbers are little-endian. What the digests are is said in the README of crate `vm`.

use super::ArchiveError;
use braid_firmware::newc::Entry;

/// Name of the entry.
pub const NAME: &[u8] = b".page-roots";
/// How it begins.
pub const MAGIC: &[u8; 8] = b"BRAIDPR1";
/// Bytes of a record.
const RECORD: usize = 48;
/// Bytes of a page.
const PAGE: u64 = 4096;

/// Id and page roots of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roots<'a> {
    /// Its id as a memory object.
    pub id: &'a [u8; 32],
    /// What each of its pages contributes to the tree.
    pub pages: &'a [[u8; 32]],
}

/// The table, checked: the records fit the digests, and lie in the archive one after the other.
pub(super) struct Table<'a> {
    /// Offset of the entry in the archive, for errors.
    at: usize,
    records: &'a [[u8; RECORD]],
    pages: &'a [[u8; 32]],
}

impl<'a> Table<'a> {
    pub(super) fn parse(entry: &Entry<'a>) -> Result<Self, ArchiveError> {
        let bad = ArchiveError::BadRoots(entry.offset);
        let rest = entry.data.strip_prefix(MAGIC).ok_or(bad)?;
        let (count, rest) = rest.split_first_chunk().ok_or(bad)?;
        let bytes = usize::try_from(u64::from_le_bytes(*count))
            .ok()
            .and_then(|count| count.checked_mul(RECORD));
        let (records, digests) = bytes
            .and_then(|bytes| rest.split_at_checked(bytes))
            .ok_or(bad)?;
        let (records, _) = records.as_chunks::<RECORD>();
        let (pages, odd) = digests.as_chunks::<32>();
        let (mut end, mut wanted) = (0, 0u64);
        for record in records {
            let (offset, length) = place(record);
            if offset < end || length == 0 {
                return Err(bad);
            }
            end = offset.checked_add(length).ok_or(bad)?;
            wanted += length.div_ceil(PAGE);
        }
        if end > entry.offset as u64 || wanted != pages.len() as u64 || !odd.is_empty() {
            return Err(bad);
        }
        Ok(Self {
            at: entry.offset,
            records,
            pages,
        })
    }

    /// Calls `give` with the offset and length of each file, and its roots.
    pub(super) fn for_each(&self, mut give: impl FnMut(u64, u64, Roots<'a>)) {
        let mut rest = self.pages;
        for record in self.records {
            let (offset, length) = place(record);
            let Some((pages, later)) = usize::try_from(length.div_ceil(PAGE))
                .ok()
                .and_then(|count| rest.split_at_checked(count))
            else {
                return;
            };
            rest = later;
            if let Some(id) = record.last_chunk() {
                give(offset, length, Roots { id, pages });
            }
        }
    }

    /// The error of a table that does not fit the files.
    pub(super) const fn misfit(&self) -> ArchiveError {
        ArchiveError::BadRoots(self.at)
    }
}

/// Offset and length of a record's file.
fn place(record: &[u8; RECORD]) -> (u64, u64) {
    match record.as_chunks::<8>().0 {
        [offset, length, ..] => (u64::from_le_bytes(*offset), u64::from_le_bytes(*length)),
        _ => (0, 0),
    }
}
