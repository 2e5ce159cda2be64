//! Archives in the "newc" format (cpio(5)): the boot volume, and the files on it. Nothing in an archive is believed: every length is
//! checked against the bytes that are there.

use thiserror::Error;

/// Why an archive cannot be read. Offsets are bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NewcError {
    /// The header at this offset does not begin with the magic of a newc archive.
    #[error("the boot archive is corrupt: no newc header at offset {0:#x}")]
    Magic(usize),
    /// A number in the header at this offset is not hexadecimal.
    #[error("the boot archive is corrupt: bad number in the header at offset {0:#x}")]
    Number(usize),
    /// The name of the entry at this offset is empty, or does not end.
    #[error("the boot archive is corrupt: bad name in the header at offset {0:#x}")]
    Name(usize),
    /// The entry at this offset reaches beyond the end of the archive, or the trailer is missing.
    #[error("the boot archive is truncated: the entry at offset {0:#x} is not all there")]
    Truncated(usize),
}

/// Bytes of a header before the name.
const HEADER: usize = 110;
/// Every header begins so (the second form has a checksum field in use, which readers ignore).
const MAGICS: [&[u8]; 2] = [b"070701", b"070702"];
/// The name of the entry that ends an archive.
const TRAILER: &[u8] = b"TRAILER!!!";

/// One entry, decoded.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Where its header is.
    pub offset: usize,
    /// Its path as stored, without the NUL bytes after it.
    pub path: &'a [u8],
    /// Its content.
    pub data: &'a [u8],
    /// Where that begins.
    pub start: usize,
    /// Type and permissions.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Names that it had.
    pub links: u32,
    /// When it was changed last, in seconds since 1970.
    pub mtime: u32,
    /// Major and minor number, if it is a device.
    pub device: (u32, u32),
    /// Device major, minor and inode number in the file system it was taken from.
    pub identity: (u32, u32, u32),
}

/// Iterates over the entries before the trailer; ends after the first error.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    bytes: &'a [u8],
    next: Option<usize>,
}

impl<'a> Entries<'a> {
    /// The entries of an archive; nothing is read yet.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            next: Some(0),
        }
    }

    /// The entry at `offset` and where the next one begins; None at the trailer.
    fn decode(&self, offset: usize) -> Result<Option<(Entry<'a>, usize)>, NewcError> {
        let cut = NewcError::Truncated(offset);
        let header = self
            .bytes
            .get(offset..offset.saturating_add(HEADER))
            .ok_or(cut)?;
        if !MAGICS.contains(&&header[..6]) {
            return Err(NewcError::Magic(offset));
        }
        let mut fields = [0; 13];
        for (field, digits) in fields.iter_mut().zip(header[6..].chunks_exact(8)) {
            *field = hexadecimal(digits).ok_or(NewcError::Number(offset))?;
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
            .ok_or(NewcError::Name(offset))?;
        let path = &name[..nul];
        if path == TRAILER {
            return Ok(None);
        }
        if path.is_empty() {
            return Err(NewcError::Name(offset));
        }
        let data_start = name_end.next_multiple_of(4);
        let data_end = data_start.checked_add(size as usize).ok_or(cut)?;
        let data = self.bytes.get(data_start..data_end).ok_or(cut)?;
        let entry = Entry {
            offset,
            path,
            data,
            start: data_start,
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
    type Item = Result<Entry<'a>, NewcError>;

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
