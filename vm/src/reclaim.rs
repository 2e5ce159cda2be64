//! Reclaim's decisions: how much is to go when memory is short, how long the clock is turned for it, and what comes of a try.
//!
//! The kernel evicts what the hand points at, as [`sweep`] asks, and does what [`judge`] answers.

#[cfg(test)]
mod tests;

use crate::clock::{Candidate, Clock};
use crate::frames::FrameTable;

/// Frames that are looked at between two pauses.
const PIECE: u64 = 64;
/// Rounds of the clock in vain after which nothing can go.
const ROUNDS: u64 = 3;

/// Frames that are to go where `coming` are free or on their way and `low` should be: then it is twice as much, so that the next few
/// allocations do not ask again.
pub const fn missing(coming: u64, low: u64) -> u64 {
    if coming < low { 2 * low - coming } else { 0 }
}

/// What became of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It stays.
    Kept,
    /// Its frame is free.
    Dropped,
    /// It is on its way to the disk: the frame is free when it is there.
    Leaving,
    /// The disk has enough to do: later.
    Busy,
}

/// What a sweep has brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Frames that are free.
    pub dropped: u64,
    /// Frames that will be when the disk has answered.
    pub leaving: u64,
    /// The disk could not take more.
    pub busy: bool,
    /// Frames that were looked at.
    pub seen: u64,
}

/// Has up to `wanted` of the next `look` frames evicted, until the disk is busy. `is_over` is asked before each candidate, and may pause;
/// one is looked at in any case.
pub fn sweep(
    clock: &mut Clock,
    frames: &FrameTable<'_>,
    (wanted, look): (u64, u64),
    mut is_over: impl FnMut() -> bool,
    mut evict: impl FnMut(&Candidate) -> Step,
) -> Progress {
    let mut progress = Progress::default();
    while progress.dropped + progress.leaving < wanted && !progress.busy && progress.seen < look {
        if is_over() && progress.seen > 0 {
            break;
        }
        let piece = (look - progress.seen).min(PIECE);
        let mut left = piece;
        let candidate = clock.next(frames, &mut left);
        progress.seen += piece - left;
        match candidate.map_or(Step::Kept, |candidate| evict(&candidate)) {
            Step::Kept => {}
            Step::Dropped => progress.dropped += 1,
            Step::Leaving => progress.leaving += 1,
            Step::Busy => progress.busy = true,
        }
    }
    progress
}

/// What comes of a try to make room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Frames have become free.
    Made,
    /// The disk answers, and then there may be some.
    Wait,
    /// So many frames were looked at in vain so far: others have a turn, and then the next try goes on.
    Again(u32),
    /// Nothing can go any more.
    Nothing,
}

/// What comes of a sweep of a torus with `total` frames, for whom `vain` frames were looked at in vain before; the disk is at work, or not.
///
/// Frames that are free do not count: they were too few for what was asked, and only what goes makes them more.
pub fn judge(progress: Progress, is_under_way: bool, vain: u32, total: u64) -> Outcome {
    if progress.dropped > 0 {
        return Outcome::Made;
    }
    if progress.leaving > 0 || progress.busy || is_under_way {
        return Outcome::Wait;
    }
    let vain = vain.saturating_add(u32::try_from(progress.seen).unwrap_or(u32::MAX));
    if u64::from(vain) < (ROUNDS * total).min(u32::MAX.into()) {
        Outcome::Again(vain)
    } else {
        Outcome::Nothing
    }
}
