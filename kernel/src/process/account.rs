//! The account of this core's torus at the end of the machine: it has as many free frames as before its first process.

use super::counters;
use crate::arch::cpu;
use crate::boot;
use core::sync::atomic::Ordering;

/// Lets go what the torus only keeps for later.
fn let_go() {
    crate::file::let_go();
    crate::mem::reclaim::finish();
    let share = &cpu::this().torus().share;
    share.objects.drop_unused();
    share.page_cache.drop_unused();
}

/// Lets caches go, compares, and says what is missing; with `stats`, also what was counted.
pub fn check() {
    let torus = cpu::this().torus();
    let_go();
    let before = torus.share.at_start.load(Ordering::Relaxed);
    let now = torus.account();
    log::info!(
        "torus {}: frames available {now}, at start of init {before}",
        torus.id
    );
    if now != before {
        let missing = before.cast_signed() - now.cast_signed();
        log::warn!("torus {} leaks {missing} frames", torus.id);
    }
    let slots = torus.reclaim.swap().map_or(0, |swap| swap.slots().used());
    if slots > 0 {
        log::warn!("torus {} leaks {slots} swap slots", torus.id);
    }
    if boot::info().command_line.stats {
        counters::log(torus);
    }
}
