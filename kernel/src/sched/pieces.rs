//! Work in pieces: what a loop does whose length a program chooses, so that no core keeps interrupts off for long.
//!
//! Rounds are counted for each core, not for each loop: loops of few rounds one after the other, or within each other, are long too.

use crate::syscall::call::Stop;
use machine::cpu;

/// Rounds between two looks at what else there is to do: with four thousand instructions in each, still below the bound of 20,000.
const ROUNDS: u32 = 4;

/// After a round: lets interrupts in where it is time. This core may hold locks (see [`cpu::let_interrupts_in`]).
pub fn step() {
    if is_due() {
        cpu::let_interrupts_in();
    }
}

/// As [`step`], after a round of a call that holds no lock and keeps its progress: [`Stop::Again`] when the core has something else
/// to do.
pub fn stop() -> Result<(), Stop> {
    if is_due() && super::pause() {
        return Err(Stop::Again);
    }
    Ok(())
}

/// Counts a round; whether enough were made.
fn is_due() -> bool {
    let rounds = &super::this().rounds;
    let count = rounds.get() + 1;
    rounds.set(count % ROUNDS);
    count == ROUNDS
}
