//! Random numbers: ChaCha20 per core, seeded by the processor and by its clock.

use crate::per_core;
use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};

/// Fills `bytes`.
pub fn fill(bytes: &mut [u8]) {
    let mut random = per_core::own().random.borrow_mut();
    random
        .get_or_insert_with(|| ChaCha20Rng::from_seed(machine::random::seed()))
        .fill_bytes(bytes);
}
