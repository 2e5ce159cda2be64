//! What a descriptor of an object or a builder names.

use super::content::Shown;
use super::patches::Patches;
use super::{Builder, Handle, cost};
use crate::syscall::errno::Errno;
use alloc::sync::{Arc, Weak};
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
    pub fn object(&self) -> Result<ObjectRef, Errno> {
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

/// A builder that is open.
pub struct BuilderFile(pub(super) Lock<Builder>);

impl BuilderFile {
    pub(super) const fn new(builder: Builder) -> Self {
        Self(Lock::new(builder))
    }

    /// Adds bytes at the end, no more than a page.
    pub fn append(&self, bytes: &[u8]) -> Result<(), Errno> {
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
    pub fn size(&self) -> u64 {
        self.0.lock().size().unwrap_or(0)
    }
}
