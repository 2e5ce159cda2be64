//! What a torus keeps of each of its cores.

use super::Torus;
use crate::counted::Counters;
use machine::cpu::{self, Part};
use sync::OwnCell;
use vm::pool::CoreCache;

/// A core of a torus.
pub struct Member {
    torus: &'static Torus,
    /// Free frames that it keeps at hand.
    pub(super) frames: CoreCache,
    /// Frames that it has set aside for its next reservations.
    pub(super) credit: OwnCell<u64>,
    /// What it has counted.
    pub counters: Counters,
    /// It works for somebody else than its current thread: mostly for another torus.
    pub serves: OwnCell<bool>,
    /// An allocation has failed for want of frames since the call began.
    pub short_of_memory: OwnCell<bool>,
    /// What it sends to other tori is to go together.
    pub gathers: OwnCell<bool>,
    /// It delivers what has come from other tori.
    pub delivers: OwnCell<bool>,
}

// SAFETY: K3, the only part with this slot.
unsafe impl Part for Member {
    const SLOT: usize = 0;
}

impl Member {
    /// A core that has just joined.
    pub(super) const fn new(torus: &'static Torus) -> Self {
        Self {
            torus,
            frames: CoreCache::new(),
            credit: OwnCell::new(0),
            counters: Counters::new(),
            serves: OwnCell::new(false),
            short_of_memory: OwnCell::new(false),
            gathers: OwnCell::new(false),
            delivers: OwnCell::new(false),
        }
    }
}

/// The core that executes this.
///
/// # Panics
/// Before the machine is divided.
#[inline]
pub fn member() -> &'static Member {
    cpu::part()
}

/// The torus of the core that executes this.
///
/// # Panics
/// Before the machine is divided.
#[inline]
pub fn here() -> &'static Torus {
    member().torus
}

/// The torus of the core that executes this; none while the machine is being divided.
#[inline]
pub fn try_here() -> Option<&'static Torus> {
    let own: Option<&Member> = cpu::try_this()?.try_part();
    own.map(|own| own.torus)
}
