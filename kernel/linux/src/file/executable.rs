//! Programs that are executed.

mod find;

pub use find::Found;

use super::boot;
use super::content::Content;
use super::open::OpenFile;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use fallible::NoMemory;
use mem::object::ObjectRef;
use vm::addr::PAGE_SIZE;

/// An executable file.
pub struct Executable {
    /// Of a file of another torus, the path that it had there when it was found.
    pub(super) path: Vec<u8>,
    /// The file itself, which is run as long as this is held.
    pub(super) file: Arc<OpenFile>,
    /// What is mapped in place of a file of another torus: a copy, or the boot archive's bytes.
    pub(super) image: Option<Arc<OpenFile>>,
}

/// Where the bytes of a program lie.
enum Bytes<'a> {
    Archive(&'static [u8]),
    Memory(&'a Content),
}

impl Executable {
    /// A file that runs already.
    pub(super) const fn running(path: Vec<u8>, file: Arc<OpenFile>) -> Self {
        Self {
            path,
            file,
            image: None,
        }
    }

    /// The file itself (`/proc/PID/exe`).
    pub fn file(&self) -> &OpenFile {
        &self.file
    }

    /// What is mapped of it.
    fn image(&self) -> &OpenFile {
        self.image.as_ref().unwrap_or(&self.file)
    }

    /// The path that its file is known by now; of a file of another torus that it was found by.
    pub fn shown_path(&self) -> Result<Vec<u8>, NoMemory> {
        match self.file.shown_path()? {
            Some(path) => Ok(path),
            None => fallible::to_vec(&self.path),
        }
    }

    /// Where its bytes lie. EACCES when it is no regular file.
    fn bytes(&self) -> Result<Bytes<'_>, Errno> {
        let image = self.image();
        let archive = image.archive().and_then(boot::bytes).map(Bytes::Archive);
        archive
            .or_else(|| image.content().map(Bytes::Memory))
            .ok_or(Errno::EACCES)
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        match self.bytes() {
            Ok(Bytes::Archive(bytes)) => bytes.len() as u64,
            Ok(Bytes::Memory(content)) => content.len(),
            Err(_) => 0,
        }
    }

    /// What mappings of it show.
    pub fn object(&self) -> Result<ObjectRef, Errno> {
        let image = self.image();
        match (image.archive(), image.content()) {
            (Some(id), _) => boot::object_of(id),
            (None, Some(content)) => Ok(content.object().clone()),
            (None, None) => Err(Errno::EACCES),
        }
    }

    /// Copies bytes from `offset` on; answers how many, fewer than asked only at the end of the file.
    pub fn read_at(&self, offset: u64, to: &mut [u8]) -> Result<usize, Stop> {
        let content = match self.bytes()? {
            Bytes::Memory(content) => content,
            Bytes::Archive(bytes) => {
                let rest = usize::try_from(offset)
                    .ok()
                    .and_then(|offset| bytes.get(offset..))
                    .unwrap_or(&[]);
                let n = rest.len().min(to.len());
                to[..n].copy_from_slice(&rest[..n]);
                return Ok(n);
            }
        };
        let mut done = 0;
        while done < to.len() {
            let end = to.len().min(done + PAGE_SIZE);
            let n = content.read(offset + done as u64, &mut to[done..end])?;
            if n == 0 {
                break;
            }
            done += n;
        }
        Ok(done)
    }
}
