//! The account of this core's torus at the end of the machine: it has as many free frames as before its first process, and
//! as much of its heap in use.

use super::{counters, table};
use crate::arch::cpu;
use crate::boot;
use crate::tori::Torus;
use crate::tori::heap::InUse;
use vm::addr::PAGE_SIZE;

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

/// Small objects that a torus makes once and keeps: the root of `/tmp`, the store of memory objects, the cores' lists of timers, the root
/// directory's own node once it has changed, nodes of trees that have been in use.
const LASTING: i64 = 32;
/// Bytes in pages that are the first process's, in whose last call the account is settled: process and vector state.
const FIRST: i64 = 2 * PAGE_SIZE as i64;

/// Bytes of the largest object that is not in pages of its own.
const SMALL: usize = 2048;

/// Lets go what the torus only keeps for later. `last`: nothing comes after this, on any torus.
fn let_go(last: bool) {
    crate::file::let_go();
    crate::mem::reclaim::finish();
    let torus = cpu::this().torus();
    torus.reclaim.wake_waiting();
    if last {
        table().clear();
    }
    torus.share.shrink();
    torus.heap.trim(torus);
}

/// Says what of the heap is still in use that was not before.
fn compare(torus: &Torus, before: &InUse, now: &InUse) {
    let left = |before: u64, now: u64| now.cast_signed() - before.cast_signed();
    let small = || before.small.iter().zip(&now.small);
    let objects: i64 = small().map(|(a, b)| left(a.1, b.1).max(0)).sum();
    let bytes = left(before.large, now.large);
    let (mut lasting, mut first) = (LASTING, FIRST);
    crate::file::lasting(|bytes| match bytes {
        0 => {}
        1..=SMALL => lasting += 1,
        bytes => first += bytes.next_multiple_of(PAGE_SIZE) as i64,
    });
    if objects > lasting || bytes > first {
        log::warn!(
            "torus {} leaks {objects} objects of the heap, and {bytes} bytes in pages",
            torus.id
        );
    }
    for ((size, before), (_, now)) in small().filter(|(a, b)| a.1 != b.1) {
        log::debug!(
            "torus {}: {now} objects of up to {size} bytes, {before} at start",
            torus.id
        );
    }
}

/// Lets caches go, compares, and says what is missing; with `stats`, also what was counted. `last`: nothing comes after
/// this, on any torus.
pub fn check(last: bool) {
    let torus = cpu::this().torus();
    let_go(last);
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
