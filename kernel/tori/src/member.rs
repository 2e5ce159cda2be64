//! What a torus keeps of each of its cores.

use super::Torus;
use crate::counted::Counters;
use alloc::sync::Arc;
use core::cell::Cell;
use machine::cpu;
use sync::{Local, Waiter};
use vm::pool::CoreCache;

/// A core of a torus.
pub struct Member {
    torus: &'static Torus,
    /// Free frames that it keeps at hand.
    pub(super) frames: CoreCache,
    /// What it has counted.
    pub counters: Counters,
    own: Local<Own>,
}

/// What a core alone touches.
pub struct Own {
    /// Frames that it has set aside for its next reservations.
    pub(super) credit: Cell<u64>,
    /// Whom it works for, when it is not the current thread: mostly another torus.
    behalf: Cell<Option<Arc<dyn Waiter>>>,
    /// Whether there is anybody.
    serves: Cell<bool>,
    /// An allocation has failed for want of frames since the call began.
    pub short_of_memory: Cell<bool>,
    /// What it sends to other tori is to go together.
    pub(crate) gathers: Cell<bool>,
    /// It delivers what has come from other tori.
    pub(crate) delivers: Cell<bool>,
}

machine::core_part!(Part for Member, 0);

impl Member {
    /// A core that has just joined.
    pub(super) const fn new(torus: &'static Torus) -> Self {
        Self {
            torus,
            frames: CoreCache::new(),
            counters: Counters::new(),
            own: Local::new(Own {
                credit: Cell::new(0),
                behalf: Cell::new(None),
                serves: Cell::new(false),
                short_of_memory: Cell::new(false),
                gathers: Cell::new(false),
                delivers: Cell::new(false),
            }),
        }
    }
}

/// The core that executes this.
///
/// # Panics
/// Before the machine is divided.
#[inline]
pub(crate) fn member() -> &'static Member {
    cpu::part()
}

/// What the core that executes this alone touches.
///
/// # Panics
/// Before the machine is divided.
#[inline]
pub fn own() -> &'static Own {
    // SAFETY: K20, the executing core's.
    unsafe { member().own.get() }
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

/// Runs `f`, which works for `waiter` and not for the current thread: it waits for pages that `f` needs.
pub fn on_behalf<R>(waiter: Arc<dyn Waiter>, f: impl FnOnce() -> R) -> R {
    let own = own();
    let before = own.behalf.replace(Some(waiter));
    own.serves.set(true);
    let result = f();
    own.serves.set(before.is_some());
    own.behalf.set(before);
    result
}

/// Whom this core works for, where [`on_behalf`] says that it is not the current thread.
pub fn behalf() -> Option<Arc<dyn Waiter>> {
    let own = &own().behalf;
    let other = own.take();
    own.set(other.clone());
    other
}

/// Whether this core works for somebody else than the current thread: see [`on_behalf`].
#[inline]
pub fn is_on_behalf() -> bool {
    own().serves.get()
}
