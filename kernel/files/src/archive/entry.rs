//! The entries of a "newc" archive, one after the other.

use super::ArchiveError;

/// Bytes of a header before the name.
const HEADER: usize = 110;
/// Every header begins so (the second form has a checksum field in use, which readers ignore).
const MAGICS: [&[u8]; 2] = [b"070701", b"070702"];
/// The name of the entry that ends an archive.
const TRAILER: &[u8] = b"TRAILER!!!";

/// One entry, decoded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    /// Where its header is.
    pub(super) offset: usize,
    pub(super) path: &'a [u8],
    pub(super) data: &'a [u8],
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) links: u32,
    pub(super) mtime: u32,
    pub(super) device: (u32, u32),
    /// Device major, minor and inode number in the file system it was taken from.
    pub(super) identity: (u32, u32, u32),
}

/// Iterates over the entries before the trailer; ends after the first error.
pub(super) struct Entries<'a> {
    bytes: &'a [u8],
    next: Option<usize>,
}

impl<'a> Entries<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            next: Some(0),
        }
    }

    /// The entry at `offset` and where the next one begins; None at the trailer.
    fn decode(&self, offset: usize) -> Result<Option<(Entry<'a>, usize)>, ArchiveError> {
        let cut = ArchiveError::Truncated(offset);
        let header = self
            .bytes
            .get(offset..offset.saturating_add(HEADER))
            .ok_or(cut)?;
        if !MAGICS.contains(&&header[..6]) {
            return Err(ArchiveError::BadMagic(offset));
        }
        let mut fields = [0; 13];
        for (field, digits) in fields.iter_mut().zip(header[6..].chunks_exact(8)) {
            *field = hexadecimal(digits).ok_or(ArchiveError::BadNumber(offset))?;
        }
        let [
            inode,
            mode,
            uid,
            gid,
            links,
            mtime,
            size,
            major,
            minor,
            rmajor,
            rminor,
            name_size,
            _,
        ] = fields;
        let name_start = offset + HEADER;
        let name_end = name_start.checked_add(name_size as usize).ok_or(cut)?;
        let name = self.bytes.get(name_start..name_end).ok_or(cut)?;
        let nul = name
            .iter()
            .position(|&b| b == 0)
            .ok_or(ArchiveError::BadName(offset))?;
        let path = &name[..nul];
        if path == TRAILER {
            return Ok(None);
        }
        if path.is_empty() {
            return Err(ArchiveError::BadName(offset));
        }
        let data_start = name_end.next_multiple_of(4);
        let data_end = data_start.checked_add(size as usize).ok_or(cut)?;
        let data = self.bytes.get(data_start..data_end).ok_or(cut)?;
        let entry = Entry {
            offset,
            path,
            data,
            mode,
            uid,
            gid,
            links,
            mtime,
            device: (rmajor, rminor),
            identity: (major, minor, inode),
        };
        Ok(Some((entry, data_end.next_multiple_of(4))))
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.decode(self.next?) {
            Ok(Some((entry, next))) => {
                self.next = Some(next);
                Some(Ok(entry))
            }
            Ok(None) => {
                self.next = None;
                None
            }
            Err(error) => {
                self.next = None;
                Some(Err(error))
            }
        }
    }
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, &digit| {
        let digit = (digit as char).to_digit(16)?;
        Some(value << 4 | digit)
    })
}
