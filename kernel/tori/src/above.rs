//! What layers above do for the tori, by names that are bound when the kernel is linked.

use crate::Torus;
use fallible::NoMemory;
use torus::TorusId;
use torus::ring::Line;
#[cfg(feature = "checked")]
use vm::addr::Frame;
use vm::frames::{Owner, Sharers};
use vm::swap::SlotTable;

// SAFETY: K39, the kernel binds them to safe functions of these types.
unsafe extern "Rust" {
    /// The pool has become low: room is to be made, later, since locks are held.
    pub(crate) safe fn tori_is_low(torus: &Torus);
    /// Whether the heap takes no more memory for work of other tori, which the executing core does.
    pub(crate) safe fn tori_is_closed(torus: &Torus) -> bool;
    /// The heap has taken so many frames, or given them back, for whom the executing core works.
    pub(crate) safe fn tori_heap_grew(frames: i64);
    /// How many share the page of the page cache that a swap slot holds.
    pub(crate) safe fn tori_sharers(torus: &Torus, slot: u64) -> Sharers;
    /// Notes that spaces of a lineage show an object from now on.
    pub(crate) safe fn tori_show(
        torus: &Torus,
        object: Owner,
        lineage: Owner,
    ) -> Result<(), NoMemory>;
    /// The slots of the torus's swap.
    pub(crate) safe fn tori_slots(torus: &Torus) -> Option<&SlotTable<'_>>;
    /// Programs of this torus may go on: fewer lines wait.
    pub(crate) safe fn tori_goes_on();
    /// Hands on a message from the torus `from`.
    pub(crate) safe fn tori_deliver(from: TorusId, line: &Line);
    /// Logs what leads to a frame that should be free.
    #[cfg(feature = "checked")]
    pub(crate) safe fn tori_find(torus: &Torus, frame: Frame);
}
