//! The list of objects of other tori that are mapped on one: by name, by lease, and those that have ended.

use crate::TorusId;
use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use fallible::{NoMemory, TryMap};

/// What an object is found by: its home, and its number there.
pub type Name = (TorusId, u64);

/// An object of another torus in the list of this one's.
#[derive(Debug)]
pub struct Entry<O, P> {
    object: Weak<O>,
    lease: u64,
    /// How often this torus was given it.
    pub holds: u32,
    /// The one that ended before this one did.
    ended_before: Option<Name>,
    /// What it keeps as long as it is listed.
    _kept: P,
}

impl<O, P> Entry<O, P> {
    /// One that this torus has not been given yet; `kept` is dropped with it.
    pub fn new(object: &Arc<O>, lease: u64, kept: P) -> Self {
        Self {
            object: Arc::downgrade(object),
            lease,
            holds: 0,
            ended_before: None,
            _kept: kept,
        }
    }
}

/// All of them. An object that has ended stays until its home has been told.
#[derive(Debug)]
pub struct Holdings<O, P> {
    by_name: BTreeMap<Name, Entry<O, P>>,
    by_lease: BTreeMap<u64, Name>,
    /// The one that ended last.
    ended: Option<Name>,
}

impl<O, P> Default for Holdings<O, P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<O, P> Holdings<O, P> {
    /// None.
    pub const fn new() -> Self {
        Self {
            by_name: BTreeMap::new(),
            by_lease: BTreeMap::new(),
            ended: None,
        }
    }

    /// Gives back what empty maps keep.
    pub fn shrink(&mut self) {
        if self.is_empty() {
            *self = Self::new();
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// The object of a name, if there is an entry for it; none in there if it has ended.
    pub fn object(&self, name: Name) -> Option<Option<Arc<O>>> {
        let entry = self.by_name.get(&name)?;
        Some(entry.object.upgrade())
    }

    /// The object of `home` that is held under a lease, and its number there.
    pub fn leased(&self, home: TorusId, lease: u64) -> Option<(Arc<O>, u64)> {
        let name = self.by_lease.get(&lease)?;
        let object = self.object(*name).flatten()?;
        (name.0 == home).then_some((object, name.1))
    }

    /// The entry of a name.
    pub fn get_mut(&mut self, name: Name) -> Option<&mut Entry<O, P>> {
        self.by_name.get_mut(&name)
    }

    /// Adds one; false when there is one of this name by now.
    ///
    /// # Errors
    /// [`NoMemory`]: it is not listed.
    pub fn add(&mut self, name: Name, entry: Entry<O, P>) -> Result<bool, NoMemory> {
        if self.by_name.contains_key(&name) {
            return Ok(false);
        }
        let lease = entry.lease;
        self.by_lease.put(lease, name)?;
        let added = self.by_name.put(name, entry);
        if let Err(error) = added {
            self.by_lease.remove(&lease);
            return Err(error);
        }
        Ok(true)
    }

    /// The object of a name has ended, if it is the one of this lease that is listed.
    pub fn end(&mut self, name: Name, lease: u64) {
        let entry = self.by_name.get_mut(&name);
        if let Some(entry) = entry.filter(|entry| entry.lease == lease) {
            entry.ended_before = self.ended.replace(name);
        }
    }

    /// One that has ended, and how often this torus was given it: each once.
    pub fn take_ended(&mut self) -> Option<(Name, u32)> {
        let name = self.ended.take()?;
        let entry = self.by_name.get(&name)?;
        self.ended = entry.ended_before;
        Some((name, entry.holds))
    }

    /// Its home has been told that it has ended.
    pub fn remove(&mut self, name: Name) -> Option<Entry<O, P>> {
        let entry = self.by_name.remove(&name)?;
        self.by_lease.remove(&entry.lease);
        Some(entry)
    }
}

#[cfg(test)]
mod tests;
