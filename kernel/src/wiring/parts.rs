//! What the modules here keep of each torus.

use crate::process::Share;
use tori::Part;

// SAFETY: K13, the only part with this slot.
unsafe impl Part for Share {
    const SLOT: usize = 2;
}
