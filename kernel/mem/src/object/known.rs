//! The objects that a torus finds again by what they show.

use super::{Named, ObjectRef};
use alloc::sync::Arc;
use alloc::vec::Vec;
use fallible::{NoMemory, TryVec};
use sync::Lock;
use tori::Make;
use tori::pieces;
use torus::TorusId;

/// The torus's object of this identity, made when there is none.
pub(super) fn known(
    identity: Option<u64>,
    make: impl FnOnce() -> Result<ObjectRef, NoMemory>,
) -> Result<ObjectRef, NoMemory> {
    match identity {
        Some(identity) => tori::here().part::<Objects>().get_or_insert(identity, make),
        None => make(),
    }
}

/// The memory objects of a torus.
pub struct Objects {
    /// Those of files that it has mapped, so that they are found again.
    all: Lock<Vec<(u64, ObjectRef)>>,
    /// All of them by name.
    pub named: Named,
}

tori::part!(Objects, 4);

impl Make for Objects {
    fn new(_: TorusId, _: usize) -> Self {
        Self {
            all: Lock::new(Vec::new()),
            named: Named::new(),
        }
    }
}

impl Objects {
    fn get_or_insert(
        &self,
        identity: u64,
        make: impl FnOnce() -> Result<ObjectRef, NoMemory>,
    ) -> Result<ObjectRef, NoMemory> {
        let mut all = self.all.lock();
        match all.binary_search_by_key(&identity, |(key, _)| *key) {
            Ok(at) => Ok(all[at].1.clone()),
            Err(at) => {
                let object = make()?;
                all.try_insert_at(at, (identity, object.clone()))?;
                Ok(object)
            }
        }
    }

    /// Lets every object go that no mapping holds: under memory pressure, and before the accounts are checked.
    pub fn drop_unused(&self) {
        let mut all = self.all.lock();
        all.retain(|(_, object)| {
            pieces::step();
            Arc::strong_count(&object.0) > 1
        });
        if all.is_empty() {
            *all = Vec::new();
        }
    }
}
