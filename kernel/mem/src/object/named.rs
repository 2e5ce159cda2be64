//! The objects of a torus by their names in the reverse map.

use super::{MemoryObject, Objects, Pages};
use crate::OfTorus as _;
use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use fallible::{NoMemory, TryMap};
use sync::Lock;
use vm::frames::Owner;

/// All objects of one torus that have pages of their own, by name.
pub struct Named {
    all: Lock<BTreeMap<Owner, Weak<MemoryObject>>>,
}

impl Named {
    /// None yet.
    pub(crate) const fn new() -> Self {
        Self {
            all: Lock::new(BTreeMap::new()),
        }
    }

    /// Adds an object, until it is dropped.
    pub(super) fn add(&self, object: &Arc<MemoryObject>) -> Result<(), NoMemory> {
        let mut all = self.all.lock();
        all.put(object.owner, Arc::downgrade(object))?;
        Ok(())
    }

    /// The object of a name.
    pub fn find(&self, owner: Owner) -> Option<Arc<MemoryObject>> {
        self.all.lock().get(&owner)?.upgrade()
    }
}

impl Drop for MemoryObject {
    fn drop(&mut self) {
        if let Pages::Pager(pager) = &self.pages {
            pager.ended();
        }
        tori::here().kept().forget_object(self.owner);
        let objects: &Objects = tori::here().part();
        let mut all = objects.named.all.lock();
        all.remove(&self.owner);
        // An empty map may keep a node.
        if all.is_empty() {
            *all = BTreeMap::new();
        }
    }
}
