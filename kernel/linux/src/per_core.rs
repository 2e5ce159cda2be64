//! What the modules here keep of each core.

use chacha20::ChaCha20Rng;
use core::cell::{Cell, RefCell};
use machine::cpu;

/// What a core alone touches.
#[derive(Default)]
pub struct Own {
    /// The user of another torus whom the core serves; 0: nobody.
    pub served_user: Cell<u32>,
    /// The console has interrupted, and what has arrived there has not been taken in.
    pub input: Cell<bool>,
    /// Random numbers for the programs on this core.
    pub random: RefCell<Option<ChaCha20Rng>>,
}

machine::core_part!(Own for Own, 2);

/// That of the core that executes this.
#[inline]
pub fn own() -> &'static Own {
    cpu::own()
}
