//! Calls that are not there: ENOSYS, counted, and named in the log once each.

use super::call::{Call, Stop, SysResult};
use super::errno::Errno;
use super::linux_calls;
use core::sync::atomic::{AtomicU64, Ordering};

/// Numbers up to this are told apart in the log.
const TOLD_APART: u64 = 512;

static LISTED: [AtomicU64; (TOLD_APART / 64) as usize] =
    [const { AtomicU64::new(0) }; (TOLD_APART / 64) as usize];
/// Another number has been seen.
static OTHER: AtomicU64 = AtomicU64::new(0);

/// Answers a call that is not there.
pub fn answer(call: &Call, number: u64) -> SysResult {
    tori::counters::own().unknown_calls.add(1);
    let (word, bit) = match LISTED.get((number / 64) as usize) {
        Some(word) => (word, 1 << (number % 64)),
        None => (&OTHER, 1),
    };
    let seen = word.load(Ordering::Relaxed) & bit != 0;
    if !seen && word.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
        let name = linux_calls::name(number).unwrap_or("no such call on Linux either");
        log::info!(
            "{}: system call {number} ({name}) is not there",
            call.process.label()
        );
    }
    Err(Stop::Errno(Errno::ENOSYS))
}
