//! Page roots of an archive's files, computed while they are written: the kernel's page cache knows pages by them. The form of the
//! table is in `kernel/files/src/archive/roots.rs`.

use std::io::{self, Write};
use std::thread;

use vm::addr::PAGE_SIZE;
use vm::hash::{Digest, Hasher, PageBytes};

/// Name of the table in the archive.
pub const NAME: &[u8] = b".page-roots";
const MAGIC: &[u8; 8] = b"BRAIDPR1";
/// Bytes hashed at a time.
const CHUNK: usize = 1 << 20;
/// Pages that are worth a thread.
const PAGES_PER_THREAD: usize = 32;

/// Bytes of the table of files of these sizes.
#[must_use]
pub fn table_len(sizes: impl Iterator<Item = u64>) -> u64 {
    let files = sizes.map(|size| 48 + 32 * size.div_ceil(PAGE_SIZE as u64));
    16 + files.sum::<u64>()
}

/// The roots of the files written so far.
pub struct Roots {
    hasher: Hasher,
    files: u64,
    records: Vec<u8>,
    leaves: Vec<[u8; 32]>,
}

impl Default for Roots {
    fn default() -> Roots {
        Roots {
            hasher: Hasher::host(),
            files: 0,
            records: Vec::new(),
            leaves: Vec::new(),
        }
    }
}

impl Roots {
    /// Writes a file's bytes, which `write` passes on, to `out`, and notes their roots. `offset` is where they begin in the
    /// archive, `size` how many they are.
    ///
    /// # Errors
    /// Those of `write` and of `out`.
    pub fn note(
        &mut self,
        out: &mut dyn Write,
        offset: u64,
        size: u64,
        write: impl FnOnce(&mut Tee<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let first = self.leaves.len();
        let mut tee = Tee {
            out,
            hasher: &self.hasher,
            chunk: Vec::with_capacity(CHUNK.min(size as usize)),
            leaves: &mut self.leaves,
        };
        write(&mut tee)?;
        tee.pass_on()?;
        let root = self.hasher.pages_root(&self.leaves[first..]);
        self.records.extend(offset.to_le_bytes());
        self.records.extend(size.to_le_bytes());
        self.records.extend(self.hasher.id(size, &root).0);
        self.files += 1;
        Ok(())
    }

    /// The table.
    #[must_use]
    pub fn table(self) -> Vec<u8> {
        let count = self.files.to_le_bytes();
        let leaves = self.leaves.as_flattened();
        [&MAGIC[..], &count, &self.records, leaves].concat()
    }
}

/// Passes bytes on, and hashes them by page.
pub struct Tee<'a> {
    out: &'a mut dyn Write,
    hasher: &'a Hasher,
    chunk: Vec<u8>,
    leaves: &'a mut Vec<[u8; 32]>,
}

impl Tee<'_> {
    fn pass_on(&mut self) -> io::Result<()> {
        self.out.write_all(&self.chunk)?;
        self.leaves.extend(leaves(self.hasher, &self.chunk));
        self.chunk.clear();
        Ok(())
    }
}

impl Write for Tee<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.chunk.len() == CHUNK {
            self.pass_on()?;
        }
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the pages of `bytes` contribute to a tree, computed by as many threads as it is worth.
fn leaves(hasher: &Hasher, bytes: &[u8]) -> Vec<[u8; 32]> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let pages = bytes.len().div_ceil(PAGE_SIZE);
    let share = pages.div_ceil(cores).max(PAGES_PER_THREAD) * PAGE_SIZE;
    let hash = |part: &[u8]| -> Vec<[u8; 32]> {
        let pages = part.chunks(PAGE_SIZE);
        pages.map(|page| leaf(hasher, page).0).collect()
    };
    if bytes.len() <= share {
        return hash(bytes);
    }
    thread::scope(|scope| {
        let parts: Vec<_> = bytes
            .chunks(share)
            .map(|part| scope.spawn(move || hash(part)))
            .collect();
        let joined = parts.into_iter().map(|part| match part.join() {
            Ok(leaves) => leaves,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.flatten().collect()
    })
}

/// What the page that begins with `bytes` contributes to the tree.
pub(crate) fn leaf(hasher: &Hasher, bytes: &[u8]) -> Digest {
    if let Ok(page) = bytes.try_into() {
        return hasher.leaf(page);
    }
    let mut page: PageBytes = [0; PAGE_SIZE];
    page[..bytes.len()].copy_from_slice(bytes);
    hasher.leaf(&page)
}
