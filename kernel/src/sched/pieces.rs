//! Work in pieces: what a loop does whose length a program chooses, so that no core keeps interrupts off for long.
//!
//! Rounds are counted for each core, not for each loop: loops of few rounds one after the other, or within each other, are long too.

use crate::syscall::call::Stop;
pub use machine::cpu::step;

use machine::cpu::is_due;

/// As [`step`], after a round of a call that holds no lock and keeps its progress: [`Stop::Again`] when the core has something else
/// to do.
pub fn stop() -> Result<(), Stop> {
    if is_due() && super::pause() {
        return Err(Stop::Again);
    }
    Ok(())
}
