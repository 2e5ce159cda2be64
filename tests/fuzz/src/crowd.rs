//! Many victims at once, each watched: one that does not end is killed, and one that cannot be killed is a failure.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::sleep;
use std::time::Duration;

use libc as l;

use crate::table::{DRAIN, MIGRATE, TORUS_INFO};
use crate::victim::{MOST_CALLS, Mode, live};
use crate::{raw, world};

/// Looks at a victim, with a pause after each, before it is killed; and before it counts as one that cannot be killed.
const PATIENCE: u32 = 120;
const LAST_PATIENCE: u32 = 500;
/// Calls after which a run tells how far it is.
const MILLION: u64 = 1_000_000;
/// Seeds from one worker to the next.
const STRIDE: u64 = 1 << 32;

/// What a run counts, in memory that its workers share and victims do not have: they write anywhere.
pub(crate) struct Counts {
    /// Calls made.
    pub(crate) calls: AtomicU64,
    /// Victims that have lived.
    pub(crate) victims: AtomicU64,
    /// Victims that had to be killed.
    pub(crate) killed: AtomicU64,
    /// Victims that could not be killed.
    pub(crate) immortal: AtomicU64,
}

impl Counts {
    /// Counts of zero, shared with all children.
    pub(crate) fn shared() -> &'static Counts {
        let page = world::anonymous(4096, l::MAP_SHARED);
        // SAFETY: F2, a page of zeros that stays.
        unsafe { &*std::ptr::with_exposed_provenance::<Counts>(page as usize) }
    }

    /// Keeps children from having them.
    fn hide(&'static self) {
        let page = std::ptr::from_ref(self).addr() as u64;
        let hidden = l::MADV_DONTFORK as u64;
        raw::call(l::SYS_madvise as u64, [page, 4096, hidden, 0, 0, 0]);
    }
}

/// Runs victims in `workers` lines until they have made so many calls.
pub(crate) fn run(calls: u64, seed: u64, workers: u64, mode: Mode, counts: &'static Counts) {
    let tori = tori();
    let mut lines = Vec::new();
    for index in 0..workers {
        let first = seed.wrapping_add(index * STRIDE);
        let line = fork(|| work(first, calls, mode, counts));
        raw::call(MIGRATE as u64, [line as u64, index % tori, 0, 0, 0, 0]);
        lines.push(line);
    }
    // Orphans of victims are ours to wait for as well.
    let mut told = 0;
    while lines.iter().any(|line| is_there(*line)) {
        sleep(Duration::from_millis(20));
        reap();
        let millions = counts.calls.load(Relaxed) / MILLION;
        if millions > told {
            eprintln!("{millions},000,000 calls");
            told = millions;
        }
    }
    // SAFETY: F1, everything that is left.
    unsafe { l::kill(-1, l::SIGKILL) };
    while wait_any(0) {}
    for torus in 0..tori {
        raw::call(DRAIN as u64, [torus, 1, 0, 0, 0, 0]);
    }
}

/// Tori of the machine: the second word about any of them.
fn tori() -> u64 {
    let mut words = [0; 2];
    let buffer = words.as_mut_ptr() as u64;
    raw::call(TORUS_INFO as u64, [u64::MAX, buffer, 16, 0, 0, 0]);
    words[1]
}

/// One victim after the other.
fn work(first: u64, calls: u64, mode: Mode, counts: &'static Counts) -> ! {
    counts.hide();
    let mut seed = first;
    while counts.calls.load(Relaxed) < calls && counts.immortal.load(Relaxed) == 0 {
        one(seed, mode, false, counts);
        seed += 1;
    }
    raw::end(0)
}

/// Waits for a victim, and kills it with all its children when it takes too long.
fn watch(child: i32, seed: u64, counts: &Counts) {
    let waits = |times: u32| {
        (0..times).any(|time| {
            let ended = has_ended(child);
            if !ended {
                sleep(Duration::from_millis(if time < 20 { 2 } else { 20 }));
            }
            ended
        })
    };
    let ended = waits(PATIENCE);
    // SAFETY: F1, the victim's own group.
    unsafe { l::kill(-child, l::SIGKILL) };
    if !ended {
        counts.killed.fetch_add(1, Relaxed);
        // SAFETY: F1.
        unsafe { l::kill(child, l::SIGKILL) };
        if !waits(LAST_PATIENCE) {
            eprintln!("victim {child} of seed {seed} cannot be killed");
            counts.immortal.fetch_add(1, Relaxed);
        }
    }
}

/// One victim alone, which says what it does.
pub(crate) fn replay(seed: u64, mode: Mode, counts: &'static Counts) {
    counts.hide();
    one(seed, mode, true, counts);
}

/// The life of a victim, whose own count of its calls is believed as far as it can be true.
fn one(seed: u64, mode: Mode, verbose: bool, counts: &Counts) {
    let page = world::anonymous(4096, l::MAP_SHARED);
    // SAFETY: F2, a page of zeros, unmapped when the victim has ended.
    let made = unsafe { &*std::ptr::with_exposed_provenance::<AtomicU64>(page as usize) };
    let child = fork(|| live(seed, mode, made, verbose));
    watch(child, seed, counts);
    counts.victims.fetch_add(1, Relaxed);
    let calls = made.load(Relaxed).min(MOST_CALLS);
    counts.calls.fetch_add(calls, Relaxed);
    raw::call(l::SYS_munmap as u64, [page, 4096, 0, 0, 0, 0]);
}

fn fork(child: impl FnOnce() -> i32) -> i32 {
    loop {
        // SAFETY: F1, of one thread.
        match unsafe { l::fork() } {
            0 => raw::end(child()),
            -1 => {
                eprintln!("fork: {}", io::Error::last_os_error());
                sleep(Duration::from_millis(50));
            }
            pid => return pid,
        }
    }
}

fn has_ended(child: i32) -> bool {
    // SAFETY: F2.
    unsafe { l::waitpid(child, std::ptr::null_mut(), l::WNOHANG) != 0 }
}

fn is_there(pid: i32) -> bool {
    // SAFETY: F1.
    unsafe { l::kill(pid, 0) == 0 }
}

fn wait_any(flags: i32) -> bool {
    // SAFETY: F2.
    unsafe { l::waitpid(-1, std::ptr::null_mut(), flags) > 0 }
}

fn reap() {
    while wait_any(l::WNOHANG) {}
}
