//! What this layer keeps of each torus.

use super::names::Names;
use super::object::{Named, Objects};
use super::page_cache::PageCache;
use super::reclaim::Reclaim;
use super::spaces::Spaces;
use tori::{Make, Part, Torus};
use torus::TorusId;

/// A torus's memory objects and spaces.
pub struct Kept {
    /// The address spaces.
    pub spaces: Spaces,
    /// Names for spaces and objects.
    pub names: Names,
    /// Memory objects by name.
    pub named: Named,
    /// Files that have been mapped.
    pub objects: Objects,
    /// Frames of immutable content.
    pub page_cache: PageCache,
    /// What makes room when memory is short.
    pub reclaim: Reclaim,
}

// SAFETY: K13, the only part with this slot.
unsafe impl Part for Kept {
    const SLOT: usize = 1;
}

impl Make for Kept {
    fn new(_: TorusId, _: usize) -> Self {
        Self {
            spaces: Spaces::new(),
            names: Names::new(),
            named: Named::new(),
            objects: Objects::new(),
            page_cache: PageCache::new(),
            reclaim: Reclaim::new(),
        }
    }
}

impl Kept {
    /// Gives back what is only kept for later: pages and objects that nobody has mapped.
    pub fn shrink(&self) {
        self.objects.drop_unused();
        self.page_cache.drop_unused();
    }
}

/// How a torus leads to what this layer keeps of it.
pub trait OfTorus {
    /// Its spaces and objects.
    fn kept(&self) -> &'static Kept;

    /// What makes room when memory is short.
    fn reclaim(&self) -> &'static Reclaim {
        &self.kept().reclaim
    }
}

impl OfTorus for Torus {
    #[inline]
    fn kept(&self) -> &'static Kept {
        self.part()
    }
}
