//! The account of this core's torus at the end of the machine: it has as many free frames as before its first process, and
//! as much of its heap in use.

use super::counters;
use crate::arch::cpu;
use crate::boot;
use crate::tori::Torus;
use crate::tori::heap::InUse;

/// What a torus had before its first process.
pub struct AtStart {
    frames: u64,
    heap: InUse,
}

impl AtStart {
    /// What it has now.
    pub fn of(torus: &Torus) -> Self {
        Self {
            frames: torus.account(),
            heap: torus.heap.in_use(),
        }
    }
}

/// Lets go what the torus only keeps for later.
fn let_go() {
    crate::file::let_go();
    crate::mem::reclaim::finish();
    let share = &cpu::this().torus().share;
    share.objects.drop_unused();
    share.page_cache.drop_unused();
    let torus = cpu::this().torus();
    torus.heap.trim(torus);
}

/// Says which objects of the heap are still in use, by their sizes.
fn compare(torus: &Torus, before: &InUse, now: &InUse) {
    let left = |before: u64, now: u64| now.cast_signed() - before.cast_signed();
    for ((size, before), (_, now)) in before.small.iter().zip(&now.small) {
        let objects = left(*before, *now);
        if objects > 0 {
            log::debug!(
                "torus {} keeps {objects} objects of {size} bytes on the heap",
                torus.id
            );
        }
    }
    let bytes = left(before.large, now.large);
    if bytes > 0 {
        log::debug!(
            "torus {} keeps {bytes} bytes of large objects on the heap",
            torus.id
        );
    }
}

/// Lets caches go, compares, and says what is missing; with `stats`, also what was counted.
pub fn check() {
    let torus = cpu::this().torus();
    let_go();
    let now = AtStart::of(torus);
    let Some(before) = torus.share.at_start.get() else {
        return;
    };
    log::info!(
        "torus {}: frames available {}, at start of init {}; heap {} bytes in {} frames, at start {} bytes",
        torus.id,
        now.frames,
        before.frames,
        now.heap.bytes(),
        torus.heap.frames(),
        before.heap.bytes(),
    );
    if now.frames != before.frames {
        let missing = before.frames.cast_signed() - now.frames.cast_signed();
        log::warn!("torus {} leaks {missing} frames", torus.id);
    }
    compare(torus, &before.heap, &now.heap);
    let slots = torus.reclaim.swap().map_or(0, |swap| swap.slots().used());
    if slots > 0 {
        log::warn!("torus {} leaks {slots} swap slots", torus.id);
    }
    if boot::info().command_line.stats {
        counters::log(torus);
    }
}
