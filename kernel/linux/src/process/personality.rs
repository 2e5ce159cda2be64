//! Personalities (personality(2)).

use core::sync::atomic::{AtomicU32, Ordering};

/// ADDR_NO_RANDOMIZE: programs that are executed lie where they always lie. The one part that has an effect.
const NO_RANDOMIZE: u32 = 0x0004_0000;
/// The personality of a process, which its children and the programs that it executes inherit.
#[derive(Debug)]
pub struct Personality(AtomicU32);

impl Personality {
    /// This one.
    pub const fn new(bits: u32) -> Self {
        Self(AtomicU32::new(bits))
    }

    /// As the program has set it.
    pub fn bits(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// As the program sets it.
    pub fn set(&self, bits: u32) {
        self.0.store(bits, Ordering::Relaxed);
    }

    /// Whether programs are to lie where they always lie.
    pub fn is_fixed(&self) -> bool {
        self.bits() & NO_RANDOMIZE != 0
    }

    /// A program that gets other rights than who executes it does not get a layout of the latter's choice.
    pub fn protect(&self) {
        self.0.fetch_and(!NO_RANDOMIZE, Ordering::Relaxed);
    }
}
