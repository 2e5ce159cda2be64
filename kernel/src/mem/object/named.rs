//! The objects of a torus by their names in the reverse map.

use super::MemoryObject;
use crate::arch::cpu;
use crate::sched::lock::Lock;
use crate::syscall::errno::Errno;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use fallible::TryVec;
use vm::frames::Owner;

/// All objects of one torus that have pages of their own, by name.
pub struct Named {
    all: Lock<Vec<(Owner, Weak<MemoryObject>)>>,
}

impl Named {
    /// None yet.
    pub const fn new() -> Self {
        Self {
            all: Lock::new(Vec::new()),
        }
    }

    /// Adds an object, until it is dropped. New names are mostly the largest.
    pub(super) fn add(&self, object: &Arc<MemoryObject>) -> Result<(), Errno> {
        let mut all = self.all.lock();
        let at = all.partition_point(|(owner, _)| *owner < object.owner);
        all.try_insert_at(at, (object.owner, Arc::downgrade(object)))?;
        Ok(())
    }

    /// The object of a name.
    pub fn find(&self, owner: Owner) -> Option<Arc<MemoryObject>> {
        let all = self.all.lock();
        let at = all.binary_search_by_key(&owner, |(owner, _)| *owner).ok()?;
        all[at].1.upgrade()
    }
}

impl Drop for MemoryObject {
    fn drop(&mut self) {
        if self.far().is_some() {
            crate::migrate::lease::holder::ended();
        }
        let mut all = cpu::this().torus().share.named.all.lock();
        if let Ok(at) = all.binary_search_by_key(&self.owner, |(owner, _)| *owner) {
            all.remove(at);
        }
        if all.is_empty() {
            *all = Vec::new();
        }
    }
}
