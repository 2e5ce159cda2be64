//! The account at the end of the machine: every torus has as many free frames as before its first process.

use super::{counters, errand};
use crate::arch::cpu;
use crate::{boot, tori};
use core::sync::atomic::Ordering;

/// Lets go what this core's torus only keeps for later.
pub fn let_go() {
    crate::file::let_go();
    cpu::this().torus().share.page_cache.drop_unused();
}

/// Lets caches go, compares, and says what is missing; with `stats`, also what was counted.
pub fn check() {
    for torus in tori::all() {
        errand::let_go(torus);
        let before = torus.share.at_start.load(Ordering::Relaxed);
        let now = torus.account();
        log::info!(
            "torus {}: frames available {now}, at start of init {before}",
            torus.id
        );
        if now < before {
            log::warn!("torus {} leaks {} frames", torus.id, before - now);
        }
        if now > before {
            log::warn!(
                "torus {} leaks {} frames",
                torus.id,
                -((now - before) as i64)
            );
        }
        if boot::info().command_line.stats {
            counters::log(torus);
        }
    }
}
