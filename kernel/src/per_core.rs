//! What the modules here keep of each core.

use chacha20::ChaCha20Rng;
use core::cell::{Cell, RefCell};
use machine::cpu::{self, Part};
use sync::Local;
use torus::DepositId;

/// What a core alone touches.
#[derive(Default)]
pub struct Own {
    /// The user of another torus whom the core serves; 0: nobody.
    pub served_user: Cell<u32>,
    /// The deposit that was drained last, of a process that has come from another torus.
    pub drained: Cell<Option<DepositId>>,
    /// The console has interrupted, and what has arrived there has not been taken in.
    pub input: Cell<bool>,
    /// Random numbers for the programs on this core.
    pub random: RefCell<Option<ChaCha20Rng>>,
}

/// A core's part.
pub struct Kept(Local<Own>);

// SAFETY: K3, the only part with this slot.
unsafe impl Part for Kept {
    const SLOT: usize = 2;
}

impl Default for Kept {
    fn default() -> Self {
        Self(Local::new(Own::default()))
    }
}

/// That of the core that executes this.
#[inline]
pub fn own() -> &'static Own {
    // SAFETY: K20, the executing core's, which has joined its torus: nothing of this layer runs on it before (K3).
    unsafe { cpu::part_of_member::<Kept>().0.get() }
}
