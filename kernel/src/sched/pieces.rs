//! Work in pieces: what a loop does whose length a program chooses, so that no core keeps interrupts off for long.

use crate::arch::cpu;
use crate::syscall::call::Stop;

/// Rounds between two looks at what else there is to do: with four thousand instructions in each, still below the bound of 20,000.
const ROUNDS: u32 = 4;

/// The rounds of a loop that may be long.
pub struct Pieces(u32);

impl Pieces {
    /// Before the first round.
    pub const fn new() -> Self {
        Self(0)
    }

    /// After a round: lets interrupts in where it is time. This core may hold locks (see [`cpu::let_interrupts_in`]).
    pub fn step(&mut self) {
        self.0 += 1;
        if self.0.is_multiple_of(ROUNDS) {
            cpu::let_interrupts_in();
        }
    }

    /// As [`Self::step`], after a round of a call that holds no lock and keeps its progress: [`Stop::Again`] when the core has
    /// something else to do.
    pub fn stop(&mut self) -> Result<(), Stop> {
        self.0 += 1;
        if self.0.is_multiple_of(ROUNDS) && super::pause() {
            return Err(Stop::Again);
        }
        Ok(())
    }
}
