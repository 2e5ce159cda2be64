//! What Braid tells of a torus (`docs/abi.md`).

use crate::call;

const TORUS_INFO: i64 = 4096;
/// Words before the counters.
const FIXED: usize = 8;

/// Word of torus_info: frames available.
pub const AVAILABLE: usize = 5;
/// Word: first writes to anonymous memory.
pub const FIRST_WRITES: usize = FIXED + 1;
/// Word: pages of content found in the page cache.
pub const CONTENT_FOUND: usize = FIXED + 19;
/// Word: frames made for the page cache.
pub const CONTENT_MADE: usize = FIXED + 20;

/// One word about the caller's torus.
///
/// # Panics
/// Not on Braid.
#[must_use]
pub fn info(word: usize) -> u64 {
    let mut words = [0u64; 64];
    let arguments = [usize::MAX, words.as_mut_ptr() as usize, size_of_val(&words)];
    let count = call(TORUS_INFO, arguments).expect("torus_info");
    assert!(word < count);
    words[word]
}

/// How much a word grows while `work` is done.
pub fn growth(word: usize, work: impl FnOnce()) -> i64 {
    let before = info(word);
    work();
    info(word).wrapping_sub(before).cast_signed()
}
