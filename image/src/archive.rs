//! cpio archives of the "newc" kind, as described in Linux' `Documentation/driver-api/early-userspace/buffer-format.rst`.
//!
//! Two are made for each machine: the guest's files (`root.cpio`, also a valid Linux initramfs), and around it the boot
//! volume, whose files' data begin at multiples of 4096 bytes so that a loader can use them in place.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use crate::roots::{self, Roots};

/// `S_IFREG`.
pub const MODE_FILE: u32 = 0o100_000;
/// `S_IFDIR`.
pub const MODE_DIRECTORY: u32 = 0o040_000;
/// `S_IFCHR`.
pub const MODE_CHARACTER: u32 = 0o020_000;
/// `S_IFLNK`.
pub const MODE_SYMLINK: u32 = 0o120_000;

const HEADER_SIZE: u64 = 110;
/// Data alignment of the boot volume, in bytes.
pub const PAGE: u64 = 4096;

/// What an entry holds.
#[derive(Debug)]
pub enum Data {
    /// These bytes (a symbolic link's target).
    Bytes(Vec<u8>),
    /// A file of the host, of this many bytes when it was found.
    HostFile(PathBuf, u64),
    /// Another archive.
    Archive(Archive),
}

impl Data {
    fn len(&self) -> u64 {
        match self {
            Data::Bytes(bytes) => bytes.len() as u64,
            Data::HostFile(_, size) => *size,
            Data::Archive(archive) => archive.len(),
        }
    }

    fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Data::Bytes(bytes) => out.write_all(bytes),
            Data::HostFile(path, size) => {
                let copied = io::copy(&mut File::open(path)?.take(*size), out)?;
                if copied == *size {
                    return Ok(());
                }
                Err(io::Error::other(format!(
                    "{} shrank while it was read",
                    path.display()
                )))
            }
            Data::Archive(archive) => archive.write_to(out),
        }
    }
}

/// One file, directory or link.
#[derive(Debug)]
pub struct Entry {
    /// Path without a leading slash; `.` is the root directory.
    pub path: Vec<u8>,
    /// Type and permissions, as in `st_mode`.
    pub mode: u32,
    /// Seconds since 1970.
    pub modified: u32,
    /// Major and minor number of a device file.
    pub device: (u32, u32),
    /// Its content.
    pub data: Data,
}

impl Entry {
    /// A plain file, owned by root, of no particular time.
    #[must_use]
    pub fn file(path: &str, data: Data) -> Entry {
        let mode = MODE_FILE | 0o644;
        Entry {
            path: path.as_bytes().to_vec(),
            mode,
            modified: 0,
            device: (0, 0),
            data,
        }
    }

    /// The table of page roots.
    fn table(table: Vec<u8>) -> Entry {
        Entry {
            path: roots::NAME.to_vec(),
            mode: MODE_FILE | 0o444,
            modified: 0,
            device: (0, 0),
            data: Data::Bytes(table),
        }
    }

    fn has_roots(&self) -> bool {
        self.mode & 0o170_000 == MODE_FILE && self.data.len() > 0
    }
}

/// An archive: entries, in order.
#[derive(Debug)]
pub struct Archive {
    entries: Vec<Entry>,
    align: u64,
    /// Whether the page roots of its files follow as its last entry.
    rooted: bool,
}

impl Archive {
    /// An archive whose files' data begin at multiples of `align` (4 or [`PAGE`]).
    ///
    /// # Errors
    /// A file is larger than the format can tell (4 GiB).
    pub fn new(entries: Vec<Entry>, align: u64) -> io::Result<Archive> {
        match entries
            .iter()
            .find(|entry| entry.data.len() > u64::from(u32::MAX))
        {
            None => Ok(Archive {
                entries,
                align,
                rooted: false,
            }),
            Some(large) => Err(io::Error::other(format!(
                "{} is larger than 4 GiB, which the archive cannot hold",
                String::from_utf8_lossy(&large.path)
            ))),
        }
    }

    /// An archive with the page roots of its files, by which the kernel's page cache knows them.
    ///
    /// # Errors
    /// As [`Archive::new`].
    pub fn rooted(entries: Vec<Entry>) -> io::Result<Archive> {
        Archive::new(entries, 4).map(|archive| Archive {
            rooted: true,
            ..archive
        })
    }

    /// Size in bytes of what [`Archive::write_to`] writes.
    #[must_use]
    #[expect(
        clippy::len_without_is_empty,
        reason = "an archive always has its trailer"
    )]
    pub fn len(&self) -> u64 {
        let after = |at, entry: &Entry, size: u64| {
            let data = at + HEADER_SIZE + self.name_size(at, entry);
            (data + size).next_multiple_of(4)
        };
        let entries = self.entries.iter();
        let body = entries.fold(0, |at, entry| after(at, entry, entry.data.len()));
        let body = if self.rooted {
            let sizes = self.entries.iter().filter(|entry| entry.has_roots());
            let size = roots::table_len(sizes.map(|entry| entry.data.len()));
            after(body, &Entry::table(Vec::new()), size)
        } else {
            body
        };
        body + (HEADER_SIZE + TRAILER.len() as u64 + 1).next_multiple_of(4)
    }

    /// Writes the archive.
    ///
    /// # Errors
    /// Those of `out` and of the files of the host.
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let (mut at, mut inode) = (0, 1);
        let mut roots = self.rooted.then(Roots::default);
        for entry in &self.entries {
            at = self.write_entry(out, at, inode, entry, roots.as_mut())?;
            inode += 1;
        }
        if let Some(roots) = roots {
            let table = Entry::table(roots.table());
            self.write_entry(out, at, inode, &table, None)?;
        }
        let end = Entry {
            path: TRAILER.to_vec(),
            mode: 0,
            modified: 0,
            device: (0, 0),
            data: Data::Bytes(Vec::new()),
        };
        let name = TRAILER.len() as u64 + 1;
        header(out, 0, &end, name, 0)?;
        out.write_all(TRAILER)?;
        zeros(
            out,
            (HEADER_SIZE + name).next_multiple_of(4) - HEADER_SIZE - TRAILER.len() as u64,
        )
    }

    /// Writes an entry at `at`, and answers where the next one begins.
    fn write_entry(
        &self,
        out: &mut impl Write,
        at: u64,
        inode: u32,
        entry: &Entry,
        roots: Option<&mut Roots>,
    ) -> io::Result<u64> {
        let (name_size, size) = (self.name_size(at, entry), entry.data.len());
        let stored_name = if self.align == 4 {
            entry.path.len() as u64 + 1
        } else {
            name_size
        };
        header(out, inode, entry, stored_name, size)?;
        out.write_all(&entry.path)?;
        zeros(out, name_size - entry.path.len() as u64)?;
        let data = at + HEADER_SIZE + name_size;
        match roots.filter(|_| entry.has_roots()) {
            Some(roots) => roots.note(out, data, size, |out| entry.data.write_to(out))?,
            None if size > 0 => entry.data.write_to(out)?,
            None => {}
        }
        let end = data + size;
        zeros(out, end.next_multiple_of(4) - end)?;
        Ok(end.next_multiple_of(4))
    }

    /// Bytes from the end of the header at `at` to the entry's data: name, its NUL, and padding.
    fn name_size(&self, at: u64, entry: &Entry) -> u64 {
        let align = if entry.mode & 0o170_000 == MODE_FILE {
            self.align
        } else {
            4
        };
        let name_end = at + HEADER_SIZE + entry.path.len() as u64 + 1;
        name_end.next_multiple_of(align) - at - HEADER_SIZE
    }
}

const TRAILER: &[u8] = b"TRAILER!!!";

fn header(out: &mut impl Write, inode: u32, entry: &Entry, name: u64, size: u64) -> io::Result<()> {
    let links = if entry.mode & 0o170_000 == MODE_DIRECTORY {
        2
    } else {
        1
    };
    let fields = [
        inode,
        entry.mode,
        0,
        0,
        links,
        entry.modified,
        size as u32,
        0,
        0,
        entry.device.0,
        entry.device.1,
        name as u32,
        0,
    ];
    out.write_all(b"070701")?;
    fields
        .iter()
        .try_for_each(|field| write!(out, "{field:08X}"))
}

fn zeros(out: &mut impl Write, count: u64) -> io::Result<()> {
    io::copy(&mut io::repeat(0).take(count), out).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(align: u64) -> Archive {
        let link = Entry {
            path: b"link".to_vec(),
            mode: MODE_SYMLINK | 0o777,
            modified: 1,
            device: (0, 0),
            data: Data::Bytes(b"a/b".to_vec()),
        };
        let entries = vec![
            Entry::file("one", Data::Bytes(b"first".to_vec())),
            link,
            Entry::file("a/two", Data::Bytes(vec![7; 5000])),
            Entry::file("empty", Data::Bytes(Vec::new())),
        ];
        Archive::new(entries, align).unwrap()
    }

    fn bytes(archive: &Archive) -> Vec<u8> {
        let mut bytes = Vec::new();
        archive.write_to(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_length_is_known_beforehand() {
        for align in [4, PAGE] {
            let archive = sample(align);
            assert_eq!(bytes(&archive).len() as u64, archive.len());
        }
        let rooted = Archive::rooted(sample(4).entries).unwrap();
        assert_eq!(bytes(&rooted).len() as u64, rooted.len());
        let outer = Archive::new(vec![Entry::file("in", Data::Archive(rooted))], PAGE).unwrap();
        assert_eq!(bytes(&outer).len() as u64, outer.len());
    }

    #[test]
    fn data_of_the_boot_volume_is_aligned() {
        let bytes = bytes(&sample(PAGE));
        assert_eq!(&bytes[4096..4101], b"first");
        let second = bytes.windows(4).position(|w| w == [7; 4]).unwrap();
        assert_eq!(second % 4096, 0);
    }

    /// The system's own cpio reads what we wrote, where there is one.
    #[test]
    fn cpio_reads_it_back() {
        let Some(busybox) = crate::install::find("busybox") else {
            return;
        };
        for align in [4, PAGE] {
            let mut child = std::process::Command::new(&busybox)
                .args(["cpio", "-t"])
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            child
                .stdin
                .take()
                .unwrap()
                .write_all(&bytes(&sample(align)))
                .unwrap();
            let output = child.wait_with_output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap().replace('\0', "");
            assert_eq!(text, "one\nlink\na/two\nempty\n");
        }
    }
}
