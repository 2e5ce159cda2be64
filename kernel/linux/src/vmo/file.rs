//! What a descriptor of an object or a builder names.

use super::content::Shown;
use super::patches::Patches;
use super::{Builder, Handle, cost};
use crate::file::OpenFile;
use crate::file::caller::Caller;
use crate::file::io::Transfer;
use crate::file::kind::{File, nameless};
use crate::file::mapping::Mappable;
use crate::file::transfer::{BLOCK, positioned};
use crate::syscall::call::{Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use braid_files::archive::S_IFREG;
use braid_files::stat::Stat;
use fallible::{NoMemory, to_vec};
use mem::object::{MemoryObject, ObjectRef};
use sync::Lock;
use vm::vmo::{Patch, Rights};

/// An object that is open.
pub struct VmoFile {
    /// With the rights of the descriptor.
    pub handle: Handle,
    /// With all that mappings need, whatever the descriptor may do.
    whole: Handle,
    /// The object of its mappings, while there are any.
    mapped: Lock<Weak<MemoryObject>>,
}

impl VmoFile {
    /// An object, with the rights of its handle; as a new one it can be read.
    pub fn new(handle: Handle) -> Self {
        Self {
            whole: handle.clone(),
            handle,
            mapped: Lock::new(Weak::new()),
        }
    }

    /// The same object with other rights, all of which this one has.
    pub fn restricted(&self, rights: Rights) -> Result<Self, Errno> {
        Ok(Self {
            handle: self.handle.restrict(rights)?,
            whole: self.whole.clone(),
            mapped: Lock::new(Weak::new()),
        })
    }

    /// The object whatever the descriptor may do, to be hashed.
    pub fn whole(&self) -> &Handle {
        &self.whole
    }

    /// What mappings of it show; its id has been asked for.
    fn object(&self) -> Result<ObjectRef, Errno> {
        let mut mapped = self.mapped.lock();
        if let Some(object) = mapped.upgrade() {
            return Ok(ObjectRef(object));
        }
        let _held = cost::reserve(cost::FILE)?;
        let all = self.whole.clone();
        let object = MemoryObject::of_content(fallible::arc(Shown(all))?)?;
        *mapped = Arc::downgrade(&object.0);
        Ok(object)
    }
}

impl File for VmoFile {
    fn read(&self, open: &OpenFile, _caller: &dyn Caller, io: &mut Transfer) -> SysResult {
        let handle = &self.handle;
        if !handle.rights().contains(Rights::READ) {
            return Err(Errno::EBADF.into());
        }
        positioned(open, io, |io, at| {
            let left = handle.size().saturating_sub(at);
            let n = io.left().min(usize::try_from(left).unwrap_or(usize::MAX));
            let mut block = [0; BLOCK];
            let block = &mut block[..n.min(BLOCK)];
            handle.read(at, block)?;
            if n == 0 { Ok(0) } else { io.put(block) }
        })
    }

    fn mapped(&self, open: &OpenFile, _shared: bool) -> Result<Mappable, Stop> {
        let rights = self.handle.rights();
        Ok(Mappable {
            readable: rights.contains(Rights::MAP),
            writable: false,
            executable: rights.contains(Rights::EXECUTE),
            ..Mappable::new(self.object()?, open.flags())
        })
    }

    fn stat(&self) -> Stat {
        Stat {
            size: self.handle.size(),
            ..nameless(S_IFREG | 0o400, 1)
        }
    }

    fn name(&self) -> Result<Vec<u8>, NoMemory> {
        to_vec(b"anon_inode:[vmo]")
    }

    fn may_be_given(&self) -> bool {
        self.handle.rights().contains(Rights::TRANSFER)
    }
}

/// A builder that is open.
pub struct BuilderFile(pub(super) Lock<Builder>);

impl BuilderFile {
    pub(super) const fn new(builder: Builder) -> Self {
        Self(Lock::new(builder))
    }

    /// Adds bytes at the end, no more than a page.
    fn append(&self, bytes: &[u8]) -> Result<(), Errno> {
        let _held = cost::reserve(cost::patch(1, bytes.len() as u64))?;
        Ok(self.0.lock().append(bytes)?)
    }

    /// Writes patches one after the other, if all of them lie within the bytes so far.
    pub(super) fn patch(&self, patches: &Patches) -> Result<(), Errno> {
        let mut builder = self.0.lock();
        let size = builder.size()?;
        let lies_within = |patch: &Patch<'_>| {
            let end = patch.offset.checked_add(patch.bytes.len() as u64);
            end.is_some_and(|end| end <= size)
        };
        if !patches.iter().all(|patch| lies_within(&patch)) {
            return Err(Errno::ERANGE);
        }
        for patch in patches.iter() {
            builder.patch(patch.offset, patch.bytes)?;
        }
        Ok(())
    }

    /// Bytes of the heap that [`Self::commit`] takes at most.
    pub(super) fn cost_of_commit(&self) -> u64 {
        cost::commit_of(&self.0.lock())
    }

    /// Seals the object, with memory that has been reserved.
    pub(super) fn commit(&self) -> Result<Handle, Errno> {
        Ok(self.0.lock().commit()?)
    }

    /// Checks that so many bytes may be added.
    pub fn check_append(&self, bytes: u64) -> Result<(), Errno> {
        Ok(self.0.lock().check_append(bytes)?)
    }

    /// Bytes so far.
    fn size(&self) -> u64 {
        self.0.lock().size().unwrap_or(0)
    }
}

impl File for BuilderFile {
    /// Writes to the end of what is being built.
    fn write(&self, _open: &OpenFile, _caller: &dyn Caller, io: &mut Transfer) -> SysResult {
        while io.left() > 0 {
            let mut block = [0; BLOCK];
            let n = io.left().min(BLOCK);
            let done = io
                .take(&mut block[..n])
                .and_then(|n| Ok(self.append(&block[..n]).inspect_err(|_| io.untake(n))?));
            if let Err(stop) = done {
                io.stopped(stop)?;
                break;
            }
            io.pause()?;
        }
        Ok(io.done())
    }

    fn has_positions(&self) -> bool {
        false
    }

    fn stat(&self) -> Stat {
        Stat {
            size: self.size(),
            ..nameless(S_IFREG | 0o200, 1)
        }
    }

    fn name(&self) -> Result<Vec<u8>, NoMemory> {
        to_vec(b"anon_inode:[builder]")
    }
}
