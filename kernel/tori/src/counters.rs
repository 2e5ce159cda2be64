//! The counters of cores and tori.

pub use crate::counted::{COUNT, Counters, FAULTS};

use crate::Torus;
use crate::member::member;

/// The counters of the core that executes this.
#[inline]
pub fn own() -> &'static Counters {
    &member().counters
}

/// The counters of a torus, in order, with their names.
pub fn of(torus: &'static Torus) -> [(&'static str, u64); COUNT] {
    let mut sums = [("", 0_u64); COUNT];
    for core in 0..torus.cores() {
        for (sum, (name, value)) in sums.iter_mut().zip(torus.member(core).counters.all()) {
            *sum = (name, sum.1.wrapping_add(value));
        }
    }
    sums
}

/// Writes a torus's counters to the log.
pub fn log(torus: &'static Torus) {
    for (name, value) in of(torus) {
        log::info!("torus {}: {name} {value}", torus.id);
    }
    let [free, kernel, tables, private, cached] = torus.frames_by_use();
    log::info!(
        "torus {}: frames free {free}, kernel {kernel}, tables {tables}, private {private}, cached {cached}",
        torus.id
    );
}
