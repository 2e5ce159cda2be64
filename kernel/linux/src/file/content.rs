//! The content of a file in `/tmp`: a memory object, so that mappings, reads and writes share its pages. Pages that were never
//! written take no memory.

mod claims;
mod seals;

pub use claims::Claims;
pub use seals::Seals;

use super::boot;
use super::local;
use super::locks::FileLocks;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use ::torus::TorusId;
use braid_files::archive::NodeId;
use braid_files::tmp::{self, Node};
use core::sync::atomic::{AtomicU32, Ordering};
use mem::object::{MemoryObject, ObjectRef, Shown};
use mem::spaces::Spaces;
use sync::{Lock, Relax, WaitQueue};
use tori::pieces;
use travel::lease;
use vm::addr::PAGE_SIZE;
use vm::space::Object;

/// A node of `/tmp`.
pub type TmpNode = Node<Content, Relax>;

/// Bytes of a file that can be written.
pub struct Content {
    object: ObjectRef,
    /// Held while bytes move, so that no page goes while it is copied. What takes long has the file to itself instead: true.
    busy: Lock<bool>,
    /// Woken when nobody has the file to himself any longer.
    free: WaitQueue,
    /// Changed by who has the file to himself.
    seals: AtomicU32,
    /// The file of the boot archive that it lies over.
    archive: Option<NodeId>,
    /// The locks that processes have on it.
    pub locks: FileLocks,
    /// How many write to it, or run it.
    pub claims: Claims,
}

/// The longest file (`MAX_LFS_FILESIZE`).
pub const LEN_MAX: u64 = i64::MAX as u64;

impl Content {
    /// An empty file.
    pub fn new() -> Result<Self, Errno> {
        Ok(Self {
            object: MemoryObject::file()?,
            busy: Lock::new(false),
            free: WaitQueue::new(),
            // Only who asks for a file that can be sealed gets one.
            seals: AtomicU32::new(Seals::SEAL.bits()),
            archive: None,
            locks: FileLocks::new(),
            claims: Claims::default(),
        })
    }

    /// A file with these bytes.
    pub fn of(bytes: &[u8]) -> Result<Self, Stop> {
        let content = Self::new()?;
        for (index, page) in bytes.chunks(PAGE_SIZE).enumerate() {
            content.write((index * PAGE_SIZE) as u64, page)?;
        }
        Ok(content)
    }

    /// What a file of the boot archive has: pages that nobody has written are read from there.
    pub fn of_archive(id: NodeId) -> Result<Self, Errno> {
        Ok(Self {
            object: boot::copy_of(id)?,
            archive: Some(id),
            ..Self::new()?
        })
    }

    /// What mappings of it show that do not write to the file.
    pub fn object(&self) -> &ObjectRef {
        &self.object
    }

    /// What mappings of it show that may write to the file.
    pub fn writable_object(&self) -> &ObjectRef {
        self.mark_written();
        &self.object
    }

    /// The file of the boot archive that has the same bytes.
    pub fn same_as(&self) -> Option<NodeId> {
        self.archive.filter(|id| !boot::is_written(*id))
    }

    fn mark_written(&self) {
        if let Some(id) = self.archive {
            boot::mark_written(id);
        }
    }

    /// A file that takes seals.
    pub fn sealable() -> Result<Self, Errno> {
        Ok(Self {
            seals: AtomicU32::new(0),
            ..Self::new()?
        })
    }

    /// Its seals.
    pub fn seals(&self) -> Seals {
        Seals::from_bits_retain(self.seals.load(Ordering::Relaxed))
    }

    /// Keeps others from the bytes meanwhile. [`Stop::Memory`] while somebody has the file to himself: the caller is enrolled.
    fn busy(&self) -> Result<impl Sized + '_, Stop> {
        let busy = self.busy.lock();
        if *busy {
            self.free.enrol();
            return Err(Stop::Memory);
        }
        Ok(busy)
    }

    /// No seal is added while this is held. EPERM when one forbids to write already; [`Stop::Memory`] as of `busy`.
    pub fn unsealed(&self) -> Result<impl Sized + '_, Stop> {
        let busy = self.busy()?;
        if self.seals().intersects(Seals::WRITE | Seals::FUTURE_WRITE) {
            return Err(Errno::EPERM.into());
        }
        Ok(busy)
    }

    /// Has the file to itself while `work` is done, which may take long: nobody spins for it. [`Stop::Memory`] as of `busy`.
    fn alone<R, E>(&self, work: impl FnOnce() -> Result<R, E>) -> Result<R, Stop>
    where
        Stop: From<E>,
    {
        {
            let mut busy = self.busy.lock();
            if *busy {
                self.free.enrol();
                return Err(Stop::Memory);
            }
            *busy = true;
        }
        let result = work();
        *self.busy.lock() = false;
        self.free.wake_all();
        Ok(result?)
    }

    /// Lends what mappings of it show to another torus: by what number, and whether it is sealed against writing.
    pub fn lend(&self, to: TorusId) -> Result<(u64, bool), Stop> {
        let _busy = self.busy()?;
        let sealed = Seals::WRITE | Seals::FUTURE_WRITE;
        let number = lease::home::give(&self.object, to)
            .map_err(Errno::from)?
            .number;
        Ok((number, self.seals().intersects(sealed)))
    }

    /// Adds the seals that `more` answers with, which is told of those that there are. Nothing is written meanwhile.
    pub fn seal(&self, more: impl FnOnce(Seals) -> Result<Seals, Errno>) -> Result<(), Stop> {
        self.alone(|| {
            let seals = self.seals() | more(self.seals())?;
            self.seals.store(seals.bits(), Ordering::Relaxed);
            Ok::<(), Errno>(())
        })
    }

    /// Checks that the seals permit to write up to `end`.
    pub fn permits_write(&self, end: u64) -> Result<(), Errno> {
        let seals = self.seals();
        let grows = end > self.len();
        if seals.intersects(Seals::WRITE | Seals::FUTURE_WRITE)
            || grows && seals.contains(Seals::GROW)
        {
            return Err(Errno::EPERM);
        }
        Ok(())
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.object.0.len()
    }

    /// Bytes of memory that its pages may take: what was never written takes none.
    pub fn stored(&self) -> u64 {
        self.len().next_multiple_of(PAGE_SIZE as u64)
    }

    /// Copies bytes from `offset` to `to`, at most to the end of a page; answers how many, 0 at the end of the file.
    /// [`Stop::Memory`] when the page is on its way from the swap disk, or the file is being cut; EIO when the disk has lost it.
    pub fn read(&self, offset: u64, to: &mut [u8]) -> Result<usize, Stop> {
        let _busy = self.busy()?;
        let (page, within) = split(offset);
        let left = usize::try_from(self.len().saturating_sub(offset)).unwrap_or(usize::MAX);
        let n = to.len().min(left).min(PAGE_SIZE - within);
        if n == 0 {
            return Ok(0);
        }
        pieces::step();
        match self.object.0.stored(page)? {
            Some(frame) => frame.read(within, &mut to[..n]),
            None => to[..n].fill(0),
        }
        Ok(n)
    }

    /// Writes bytes at `offset`, none of them beyond the end of its page. The file grows as needed.
    /// Errors as those of [`Content::read`], and ENOSPC.
    pub fn write(&self, offset: u64, from: &[u8]) -> Result<(), Stop> {
        let _busy = self.busy()?;
        self.put(offset, from)
    }

    /// Writes bytes at the end, whatever others append meanwhile: as many as there is room for. Answers how many, and the new end.
    /// Errors as those of [`Content::write`], and EFBIG at `limit`.
    pub fn append(&self, from: &[u8], limit: u64) -> Result<(usize, u64), Stop> {
        let _busy = self.busy()?;
        let start = self.len();
        start
            .checked_add(from.len() as u64)
            .filter(|&end| end <= LEN_MAX)
            .ok_or(Errno::EFBIG)?;
        let room = limit.checked_sub(start).filter(|&room| room > 0);
        let room = usize::try_from(room.ok_or(Errno::EFBIG)?).unwrap_or(usize::MAX);
        let from = &from[..from.len().min(room)];
        let mut done = 0;
        while done < from.len() {
            let at = start + done as u64;
            let end = from.len().min(done + PAGE_SIZE - split(at).1);
            match self.put(at, &from[done..end]) {
                Ok(()) => done = end,
                Err(stop) if done == 0 => return Err(stop),
                Err(_) => break,
            }
        }
        Ok((done, start + done as u64))
    }

    /// [`Content::write`], by whoever holds `busy`.
    fn put(&self, offset: u64, from: &[u8]) -> Result<(), Stop> {
        self.permits_write(offset + from.len() as u64)?;
        self.mark_written();
        let (page, within) = split(offset);
        let before = self.len();
        if self.object.0.touched(page)?.is_none() && !local::has_room() {
            return Err(Errno::ENOSPC.into());
        }
        self.object.0.extend(offset + from.len() as u64);
        pieces::step();
        match self.object.0.page(page) {
            Ok(Shown::Frame(frame)) => frame.write(within, from),
            stopped => {
                self.object.0.retract(before);
                stopped?;
                return Err(Errno::ENOSPC.into());
            }
        }
        Ok(())
    }

    /// Cuts or extends the file; what is added reads as zeros.
    /// [`Stop::Memory`] when the page in which the end lies is on its way from the swap disk, or the file is being cut already.
    pub fn truncate(&self, len: u64) -> Result<(), Stop> {
        self.alone(|| self.set_len(len))
    }

    /// [`Content::truncate`], by who has the file to himself.
    fn set_len(&self, len: u64) -> Result<(), Stop> {
        let seal = if len > self.len() {
            Seals::GROW
        } else {
            Seals::SHRINK
        };
        if len != self.len() && self.seals().contains(seal) {
            return Err(Errno::EPERM.into());
        }
        self.mark_written();
        if len >= self.len() {
            self.object.0.extend(len);
            return Ok(());
        }
        self.object.0.truncate(len)?;
        let spaces = tori::here().part::<Spaces>();
        let (owner, from) = (self.object.owner(), len.div_ceil(PAGE_SIZE as u64));
        // Here nobody waits to hear of it: each entry has a reference to its frame.
        let _ = spaces.cut(owner, from);
        lease::home::cut(owner, from);
        Ok(())
    }
}

/// The content of a regular file in `/tmp`.
pub fn of(node: &TmpNode) -> Result<&Content, Errno> {
    match &node.content {
        tmp::Content::File(content) => Ok(content),
        tmp::Content::Directory => Err(Errno::EISDIR),
        tmp::Content::Link(_) => Err(Errno::ELOOP),
    }
}

fn split(offset: u64) -> (u64, usize) {
    (
        offset / PAGE_SIZE as u64,
        (offset % PAGE_SIZE as u64) as usize,
    )
}
