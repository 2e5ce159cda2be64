//! Work in pieces: what a loop does whose length a program chooses, so that no core keeps interrupts off for long.
//!
//! Rounds are counted for each core, not for each loop: loops of few rounds one after the other, or within each other, are long too.

use machine::cpu;
pub use machine::cpu::step;

/// Whether this core has something else to do than what it does now.
pub fn is_wanted() -> bool {
    cpu::is_resched_requested() || crate::rings::calls()
}

/// Between two pieces of a long call: lets interrupts in. True when the core has something else to do, so that the call, which keeps
/// its progress, should stop and run again. For locks see [`cpu::let_interrupts_in`].
pub fn pause() -> bool {
    cpu::let_interrupts_in();
    is_wanted()
}

/// As [`pause`], after a round of a loop: looks only where enough rounds were made.
pub fn pause_if_due() -> bool {
    cpu::is_due() && pause()
}
