//! `braid vmo`: ids of files as memory objects, and where two files differ.
//!
//! Files are hashed as they are read: only the roots of their pages are held.

use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Subcommand;
use vm::addr::PAGE_SIZE;
use vm::datacap::DataCap;
use vm::hash::{Digest, Hasher};
use vm::store::VmoStore;
use vm::vmo::page::HeapPages;

use crate::roots::leaf;

/// Exit status of `diff` when the files differ, as diff(1) has it.
const DIFFERENT: u8 = 1;

/// Pages read at a time.
const CHUNK_PAGES: usize = 256;

/// What to do with files as memory objects.
#[derive(Debug, Subcommand)]
pub enum VmoVerb {
    /// Print the ids of files; - is the standard input
    Id {
        /// Files of the host
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Print which pages of two files differ; the exit status is 1 if any do
    Diff {
        /// A file of the host
        a: PathBuf,
        /// Another
        b: PathBuf,
    },
}

/// Does it, and gives the exit status.
///
/// # Errors
/// A file that can't be read, or an output that can't be written.
pub fn vmo(verb: &VmoVerb) -> Result<u8> {
    let store = VmoStore::new(HeapPages::unlimited(), Hasher::host());
    let out = &mut io::stdout().lock();
    match verb {
        VmoVerb::Id { files } => {
            for path in files {
                let object = Object::open(&store, path)?;
                writeln!(out, "{}  {}", object.id()?, path.display())?;
            }
            Ok(0)
        }
        VmoVerb::Diff { a, b } => {
            let (x, y) = (Object::open(&store, a)?, Object::open(&store, b)?);
            diff(out, (a, &x), (b, &y))
        }
    }
}

/// A file as an object: its size and the tree over the roots of its pages.
struct Object {
    store: VmoStore<HeapPages>,
    size: u64,
    pages: DataCap<HeapPages>,
}

impl Object {
    fn open(store: &VmoStore<HeapPages>, path: &Path) -> Result<Self> {
        let read = || match path.as_os_str() == "-" {
            true => Self::read(store, io::stdin().lock()),
            false => Self::read(store, File::open(path)?),
        };
        read().with_context(|| path.display().to_string())
    }

    fn read(store: &VmoStore<HeapPages>, mut input: impl Read) -> Result<Self> {
        let mut chunk = vec![0; CHUNK_PAGES * PAGE_SIZE];
        let (mut roots, mut size) = (Vec::new(), 0);
        loop {
            let len = fill(&mut input, &mut chunk)?;
            size += len as u64;
            roots.extend(
                chunk[..len]
                    .chunks(PAGE_SIZE)
                    .map(|bytes| leaf(store.hasher(), bytes)),
            );
            if len < chunk.len() {
                break;
            }
        }
        let pages = match size {
            0 => DataCap::empty(store),
            _ => DataCap::from_roots(store, size, (0..).zip(roots))?,
        };
        Ok(Self {
            store: store.clone(),
            size,
            pages,
        })
    }

    fn id(&self) -> Result<Digest> {
        Ok(self.store.hasher().id(self.size, &self.pages.pages_root()?))
    }
}

/// Reads until `buffer` is full or the input ends, and returns how much came.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(len) => filled += len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn diff(out: &mut impl Write, a: (&Path, &Object), b: (&Path, &Object)) -> Result<u8> {
    let ranges = a.1.pages.to_vmo()?.diff(&b.1.pages.to_vmo()?)?;
    if a.1.size != b.1.size {
        for (path, object) in [a, b] {
            writeln!(out, "size: {} bytes  {}", object.size, path.display())?;
        }
    }
    for range in &ranges {
        writeln!(out, "{}", describe(range))?;
    }
    Ok(if ranges.is_empty() && a.1.size == b.1.size {
        0
    } else {
        DIFFERENT
    })
}

fn describe(pages: &Range<u64>) -> String {
    let (first, last) = (pages.start, pages.end - 1);
    let bytes = format!(
        "bytes {}..{}",
        first * PAGE_SIZE as u64,
        pages.end * PAGE_SIZE as u64
    );
    if first == last {
        format!("page {first}: {bytes}")
    } else {
        format!("pages {first}-{last}: {bytes}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> VmoStore<HeapPages> {
        VmoStore::new(HeapPages::unlimited(), Hasher::host())
    }

    fn object(store: &VmoStore<HeapPages>, bytes: &[u8]) -> Object {
        Object::read(store, bytes).unwrap()
    }

    fn diff_of(a: &[u8], b: &[u8]) -> (u8, String) {
        let store = store();
        let mut out = Vec::new();
        let (x, y) = (object(&store, a), object(&store, b));
        let status = diff(&mut out, (Path::new("a"), &x), (Path::new("b"), &y)).unwrap();
        (status, String::from_utf8(out).unwrap())
    }

    #[test]
    fn ids_are_those_of_memory_objects() {
        let store = store();
        let content: Vec<u8> = (0..3_000_000u32).map(|at| (at % 8191) as u8).collect();
        for len in [
            0,
            1,
            4095,
            4096,
            4097,
            1 << 20,
            (1 << 20) + 1,
            content.len(),
        ] {
            let expected = store.from_bytes(&content[..len]).unwrap().id().unwrap();
            assert_eq!(
                object(&store, &content[..len]).id().unwrap(),
                expected,
                "{len} bytes"
            );
        }
        assert_eq!(store.supply().live(), 0, "no page is held");
    }

    #[test]
    fn differing_pages_are_listed() {
        let a = vec![1; 10 * PAGE_SIZE];
        assert_eq!(diff_of(&a, &a), (0, String::new()));
        let mut b = a.clone();
        b[0] = 2;
        b[3 * PAGE_SIZE..6 * PAGE_SIZE].fill(3);
        let text = "page 0: bytes 0..4096\npages 3-5: bytes 12288..24576\n";
        assert_eq!(diff_of(&a, &b), (DIFFERENT, text.to_owned()));
        let text = "size: 1 bytes  a\nsize: 2 bytes  b\n";
        assert_eq!(diff_of(&[1], &[1, 0]), (DIFFERENT, text.to_owned()));
        let text = "size: 0 bytes  a\nsize: 1 bytes  b\npage 0: bytes 0..4096\n";
        assert_eq!(diff_of(&[], &[1]), (DIFFERENT, text.to_owned()));
    }
}
