//! Names of address spaces and memory objects. Each torus gives out its own, so that making one touches no other torus's memory.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use vm::frames::Owner;

/// Names of objects in the reverse map have the top bit, names of lineages have not.
const OBJECT_BIT: u32 = 1 << 31;

/// The next names of a torus.
pub struct Names {
    space: AtomicU64,
    lineage: AtomicU32,
    object: AtomicU32,
}

impl Names {
    /// None was given out yet.
    pub(crate) const fn new() -> Self {
        Self {
            space: AtomicU64::new(1),
            lineage: AtomicU32::new(1),
            object: AtomicU32::new(0),
        }
    }

    /// A number that no other space of the torus ever has.
    pub fn space(&self) -> u64 {
        self.space.fetch_add(1, Ordering::Relaxed)
    }

    /// A name for a space and its forks: used again after 2^31 of them, long after the first has gone.
    pub fn lineage(&self) -> Owner {
        Owner(self.lineage.fetch_add(1, Ordering::Relaxed) & !OBJECT_BIT)
    }

    /// A name for an object: used again after 2^31 of them.
    pub fn object(&self) -> Owner {
        loop {
            let owner = Owner(OBJECT_BIT | self.object.fetch_add(1, Ordering::Relaxed));
            if owner != Owner::CONTENT {
                return owner;
            }
        }
    }
}
