//! What Braid tells of tori, and moving between them (`docs/abi.md`).

use crate::{Answer, call};

/// Braid's torus_info.
pub const TORUS_INFO: i64 = 4096;
/// Braid's migrate.
pub const MIGRATE: i64 = 4097;
/// Braid's drain.
pub const DRAIN: i64 = 4098;

/// Words before the counters.
const FIXED: usize = 8;
/// More words than there are.
const MOST: usize = 128;

/// Word of torus_info: tori of the machine.
const TORI: usize = 1;
/// Word: the caller's torus.
const OWN: usize = 2;
/// Word: cores of the torus.
pub const CORES: usize = 3;
/// Word: processes on it, zombies included.
pub const PROCESSES: usize = 6;
/// Word: frames available.
pub const AVAILABLE: usize = 5;
/// Word: number of counters.
const COUNTERS: usize = 7;
/// Word: first writes to anonymous memory.
pub const FIRST_WRITES: usize = FIXED + 1;
/// Word: messages sent to other tori.
pub const MESSAGES: usize = FIXED + 16;
/// Word: other tori interrupted for them.
pub const DOORBELLS: usize = FIXED + 18;
/// Word: processes that have come.
pub const MIGRATIONS_IN: usize = FIXED + 25;
/// Word: nanoseconds in which those that have come did not run.
pub const DOWNTIME: usize = FIXED + 27;
/// Word: messages that asked for pages.
pub const PULLS: usize = FIXED + 28;
/// Word: pages that have come from other tori.
pub const PAGES_PULLED: usize = FIXED + 30;
/// Word: pages of content found in the page cache.
pub const CONTENT_FOUND: usize = FIXED + 19;
/// Word: frames made for the page cache.
pub const CONTENT_MADE: usize = FIXED + 20;
/// Of the words after the counters: frames of private memory.
const PRIVATE: usize = 3;

/// Gets the first words about the caller's torus: how many there are. ENOSYS where there are no tori.
fn get(words: &mut [u64]) -> Answer {
    let arguments = [usize::MAX, words.as_mut_ptr() as usize, size_of_val(words)];
    call(TORUS_INFO, arguments)
}

/// One word about the caller's torus.
///
/// # Panics
/// Not on Braid.
#[must_use]
pub fn info(word: usize) -> u64 {
    let mut words = [0; MOST];
    let count = get(&mut words).expect("torus_info");
    words[..count][word]
}

/// One word about any torus.
///
/// # Panics
/// Not on Braid, or there is no such torus.
#[must_use]
pub fn info_of(torus: usize, word: usize) -> u64 {
    let mut words = [0; MOST];
    let arguments = [torus, words.as_mut_ptr() as usize, size_of_val(&words)];
    let count = call(TORUS_INFO, arguments).expect("torus_info");
    words[..count][word]
}

/// How much a word grows while `work` is done.
pub fn growth(word: usize, work: impl FnOnce()) -> i64 {
    let before = info(word);
    work();
    info(word).wrapping_sub(before).cast_signed()
}

/// Frames of private memory on the caller's torus.
///
/// # Panics
/// Not on Braid.
#[must_use]
pub fn private_frames() -> u64 {
    let mut words = [0; MOST];
    let count = get(&mut words).expect("torus_info");
    words[FIXED + words[COUNTERS] as usize..count][PRIVATE]
}

/// Tori of the machine; 1 where there is no such thing.
#[must_use]
pub fn tori() -> usize {
    let mut words = [0; TORI + 1];
    get(&mut words).map_or(1, |_| words[TORI] as usize)
}

/// The torus that the caller is on; 0 where there is no such thing.
#[must_use]
pub fn own() -> usize {
    let mut words = [0; OWN + 1];
    get(&mut words).map_or(0, |_| words[OWN] as usize)
}

/// Moves a process, or with 0 the caller, to a torus.
#[must_use = "the answer says what happened"]
pub fn migrate(pid: usize, torus: usize) -> Answer {
    call(MIGRATE, [pid, torus, 0])
}

/// Sends all processes of a torus elsewhere; with flag 1 they may come again.
#[must_use = "the answer says what happened"]
pub fn drain(torus: usize, flags: usize) -> Answer {
    call(DRAIN, [torus, flags])
}

/// Goes to a torus; nowhere where there is no such thing.
///
/// # Panics
/// The move is refused.
pub fn move_to(torus: usize) {
    match migrate(0, torus) {
        Ok(_) | Err(libc::ENOSYS) => {}
        Err(error) => panic!("move to torus {torus}: {}", crate::error_name(error)),
    }
}
