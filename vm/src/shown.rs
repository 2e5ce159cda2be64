//! Which lineages of spaces show which objects: whoever looks for the entries of an object's pages looks at their spaces alone.

use alloc::collections::BTreeMap;
use fallible::{NoMemory, TryMap};

use crate::frames::Owner;

/// Pairs of an object and a lineage, found by either. A lineage that has shown an object is noted until one of the two ends.
#[derive(Debug, Default)]
pub struct Shown {
    by_object: BTreeMap<(Owner, Owner), ()>,
    by_lineage: BTreeMap<(Owner, Owner), ()>,
}

/// The first pair at or after one, if it is of the same first name.
fn next(pairs: &BTreeMap<(Owner, Owner), ()>, from: (Owner, Owner)) -> Option<Owner> {
    let (&(first, second), ()) = pairs.range(from..).next()?;
    (first == from.0).then_some(second)
}

impl Shown {
    /// None.
    pub const fn new() -> Self {
        Self {
            by_object: BTreeMap::new(),
            by_lineage: BTreeMap::new(),
        }
    }

    /// Notes that a lineage shows an object.
    ///
    /// # Errors
    /// [`NoMemory`].
    pub fn add(&mut self, object: Owner, lineage: Owner) -> Result<(), NoMemory> {
        if self.by_object.contains_key(&(object, lineage)) {
            return Ok(());
        }
        self.by_object.put((object, lineage), ())?;
        if let Err(error) = self.by_lineage.put((lineage, object), ()) {
            self.remove(object, lineage);
            return Err(error);
        }
        Ok(())
    }

    /// The first lineage, from this one on, that may show an object.
    pub fn next(&self, object: Owner, from: Owner) -> Option<Owner> {
        next(&self.by_object, (object, from))
    }

    /// An object has ended. `pause` is called after each lineage.
    pub fn forget_object(&mut self, object: Owner, pause: impl Fn()) {
        while let Some(lineage) = next(&self.by_object, (object, Owner(0))) {
            self.remove(object, lineage);
            pause();
        }
    }

    /// The last space of a lineage has ended. `pause` is called after each object.
    pub fn forget_lineage(&mut self, lineage: Owner, pause: impl Fn()) {
        while let Some(object) = next(&self.by_lineage, (lineage, Owner(0))) {
            self.remove(object, lineage);
            pause();
        }
    }

    fn remove(&mut self, object: Owner, lineage: Owner) {
        self.by_object.remove(&(object, lineage));
        self.by_lineage.remove(&(lineage, object));
        if self.by_object.is_empty() {
            // Empty trees keep a node.
            *self = Self::new();
        }
    }
}

#[cfg(test)]
mod tests;
