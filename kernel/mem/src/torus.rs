//! What this layer keeps of each torus besides its [objects](crate::object::Objects), its [spaces](crate::spaces::Spaces) and
//! its [reclaim](crate::reclaim::Reclaim).

use crate::names::Names;
use crate::page_cache::PageCache;
use crate::swap::Swap;
use machine::cpu;
use spin::Once;
use sync::Lock;
use tori::{Make, Torus};
use torus::TorusId;
use vm::frames::Owner;
use vm::shown::Shown;

/// What objects, spaces and reclaim of a torus share.
pub struct Kept {
    /// Names for spaces and objects.
    pub names: Names,
    /// Frames of immutable content.
    pub page_cache: PageCache,
    /// Which lineages have mapped which objects.
    pub shown: Lock<Shown>,
    swap: Once<Swap>,
}

tori::part!(Kept, 1);

impl Make for Kept {
    fn new(_: TorusId, _: usize) -> Self {
        Self {
            names: Names::new(),
            page_cache: PageCache::new(),
            shown: Lock::new(Shown::new()),
            swap: Once::new(),
        }
    }
}

impl Kept {
    /// The torus's swap, if it has any.
    pub fn swap(&self) -> Option<&Swap> {
        self.swap.get()
    }

    /// Gives the torus its swap; once, at boot.
    pub fn set_swap(&self, swap: Swap) {
        self.swap.call_once(|| swap);
    }

    /// An object has ended: nothing shows it any more.
    pub(crate) fn forget_object(&self, object: Owner) {
        let mut shown = self.shown.lock();
        shown.forget_object(object, cpu::let_interrupts_in);
    }

    /// No space of a lineage is left.
    pub(crate) fn forget_lineage(&self, lineage: Owner) {
        let mut shown = self.shown.lock();
        shown.forget_lineage(lineage, cpu::let_interrupts_in);
    }
}

/// How a torus leads to what this layer keeps of it.
pub trait OfTorus {
    /// What its objects, spaces and reclaim share.
    fn kept(&self) -> &'static Kept;
}

impl OfTorus for Torus {
    #[inline]
    fn kept(&self) -> &'static Kept {
        self.part()
    }
}
