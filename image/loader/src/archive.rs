//! The boot volume: a cpio archive in the "newc" format (cpio(5)), read in place.

use braid_firmware::newc::{Entries, NewcError};

const TYPE_MASK: u32 = 0o170_000;
const TYPE_REGULAR: u32 = 0o100_000;

/// One regular file of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File<'a> {
    /// Name as stored, without the NUL bytes after it and without a leading `./` or `/`.
    pub name: &'a [u8],
    /// The contents.
    pub data: &'a [u8],
    /// Distance in bytes of the contents from the beginning of the archive.
    pub offset: usize,
}

/// A newc archive.
#[derive(Debug, Clone, Copy)]
pub struct Archive<'a> {
    bytes: &'a [u8],
}

impl<'a> Archive<'a> {
    /// An archive in `bytes`; nothing is read yet.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The regular file at `path` (leading slashes do not matter), or `None`.
    ///
    /// # Errors
    /// When the archive is corrupt before the file is met.
    pub fn find(&self, path: &str) -> Result<Option<File<'a>>, NewcError> {
        let wanted = path.trim_start_matches('/').as_bytes();
        for entry in Entries::new(self.bytes) {
            let entry = entry?;
            let name = plain(entry.path);
            if entry.mode & TYPE_MASK == TYPE_REGULAR && name == wanted {
                return Ok(Some(File {
                    name,
                    data: entry.data,
                    offset: entry.start,
                }));
            }
        }
        Ok(None)
    }
}

fn plain(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"./")
        .or(name.strip_prefix(b"/"))
        .unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, vec::Vec};

    /// Bytes of a header before the name.
    const HEADER: usize = 110;

    fn add(archive: &mut Vec<u8>, name: &str, mode: u32, data: &[u8], align: usize) {
        let plain = archive.len() + HEADER + name.len() + 1;
        let name_size = name.len() + 1 + (plain.next_multiple_of(align) - plain);
        archive.extend(b"070701");
        for value in [
            1,
            mode as usize,
            0,
            0,
            1,
            0,
            data.len(),
            0,
            0,
            0,
            0,
            name_size,
            0,
        ] {
            archive.extend(format!("{value:08x}").bytes());
        }
        let end = archive.len() + name_size;
        archive.extend(name.bytes());
        archive.resize(end.next_multiple_of(4), 0);
        archive.extend(data);
        archive.resize(archive.len().next_multiple_of(4), 0);
    }

    fn sample() -> Vec<u8> {
        let mut archive = Vec::new();
        add(&mut archive, "boot", 0o040_755, b"", 4);
        add(&mut archive, "limine.cfg", 0o100_644, b"timeout: 0\n", 4096);
        add(&mut archive, "boot/kernel", 0o100_644, b"ELF", 4096);
        add(&mut archive, "TRAILER!!!", 0, b"", 4);
        archive
    }

    #[test]
    fn finds_files_whose_data_is_page_aligned() {
        let bytes = sample();
        let archive = Archive::new(&bytes);
        let file = archive.find("/boot/kernel").unwrap().unwrap();
        assert_eq!((file.name, file.data), (&b"boot/kernel"[..], &b"ELF"[..]));
        assert_eq!(file.offset % 4096, 0);
        assert_eq!(&bytes[file.offset..file.offset + 3], b"ELF");
        assert_eq!(
            archive.find("limine.cfg").unwrap().unwrap().data,
            b"timeout: 0\n"
        );
        assert_eq!(archive.find("missing"), Ok(None));
        assert_eq!(archive.find("boot"), Ok(None), "a directory is not a file");
    }

    #[test]
    fn every_truncation_is_an_error() {
        let bytes = sample();
        for length in 0..bytes.len() - 4 {
            let result = Archive::new(&bytes[..length]).find("missing");
            assert!(result.is_err(), "cut to {length}");
        }
    }

    #[test]
    fn damage_never_panics() {
        let bytes = sample();
        for position in 0..bytes.len() {
            for value in [0, b'f', b'0', 0xff] {
                let mut damaged = bytes.clone();
                damaged[position] = value;
                let _ = Archive::new(&damaged).find("boot/kernel");
            }
        }
        assert_eq!(
            Archive::new(b"not an archive".repeat(20).as_slice()).find("x"),
            Err(NewcError::Magic(0))
        );
    }
}
