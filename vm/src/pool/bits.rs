//! A bitmap with summary levels: a bit above is set when the 64 bits below it all are.

use crate::pool::PoolError;

/// Levels of the largest bitmap: 64^5 bits are 4 TiB of frames.
const MAX_LEVELS: usize = 5;

/// A bitmap over words that the caller supplies.
pub(super) struct Bits<'a> {
    words: &'a mut [u64],
    /// Where each level begins; level 0 is the bitmap.
    starts: [usize; MAX_LEVELS],
    levels: usize,
    len: usize,
}

impl<'a> Bits<'a> {
    /// Words for a bitmap of `len` bits and its summaries.
    pub(super) const fn words(len: usize) -> usize {
        let mut total = 0;
        let mut level = len.div_ceil(64);
        loop {
            total += level;
            if level <= 1 {
                return total;
            }
            level = level.div_ceil(64);
        }
    }

    /// A bitmap of `len` clear bits.
    pub(super) fn new(len: usize, words: &'a mut [u64]) -> Result<Self, PoolError> {
        if len == 0 || len > 1 << (6 * MAX_LEVELS) || words.len() < Self::words(len) {
            return Err(PoolError::Storage);
        }
        words.fill(0);
        let mut starts = [0; MAX_LEVELS];
        let (mut levels, mut start, mut bits) = (0, 0, len);
        loop {
            starts[levels] = start;
            levels += 1;
            let count = bits.div_ceil(64);
            // The bits beyond the end are never free.
            if !bits.is_multiple_of(64) {
                words[start + count - 1] = u64::MAX << (bits % 64);
            }
            start += count;
            if count == 1 {
                return Ok(Self {
                    words,
                    starts,
                    levels,
                    len,
                });
            }
            bits = count;
        }
    }

    /// The word of level 0 that holds bit `64 * at`.
    #[inline]
    pub(super) fn word(&self, at: usize) -> u64 {
        self.words[at]
    }

    #[inline]
    pub(super) fn get(&self, bit: usize) -> bool {
        self.words[bit / 64] >> (bit % 64) & 1 != 0
    }

    /// Sets the bits of `mask` in a word of level 0.
    #[inline]
    pub(super) fn set_mask(&mut self, at: usize, mask: u64) {
        let word = &mut self.words[at];
        *word |= mask;
        if *word == u64::MAX {
            self.fill_above(at);
        }
    }

    #[inline]
    fn fill_above(&mut self, mut at: usize) {
        for level in 1..self.levels {
            let word = &mut self.words[self.starts[level] + at / 64];
            *word |= 1 << (at % 64);
            if *word != u64::MAX {
                return;
            }
            at /= 64;
        }
    }

    /// Clears the bits of `mask` in a word of level 0.
    #[inline]
    pub(super) fn clear_mask(&mut self, at: usize, mask: u64) {
        let word = &mut self.words[at];
        let was_full = *word == u64::MAX;
        *word &= !mask;
        if was_full {
            self.open_above(at);
        }
    }

    #[inline]
    fn open_above(&mut self, mut at: usize) {
        for level in 1..self.levels {
            let word = &mut self.words[self.starts[level] + at / 64];
            let was_full = *word == u64::MAX;
            *word &= !(1 << (at % 64));
            if !was_full {
                return;
            }
            at /= 64;
        }
    }

    /// The first word of level 0 with a clear bit, from word `from` on, else the first of all.
    #[inline]
    pub(super) fn first_open(&self, from: usize) -> Option<usize> {
        self.next_open(from)
            .or_else(|| self.descend(|word| (!word).trailing_zeros()))
    }

    /// Climbs until something behind `from` is open, and descends to the first of it.
    #[inline]
    fn next_open(&self, from: usize) -> Option<usize> {
        if *self.words[..self.starts[0] + self.len.div_ceil(64)].get(from)? != u64::MAX {
            return Some(from);
        }
        let mut at = from;
        for level in 1..self.levels {
            let word = self.words[self.starts[level] + at / 64];
            let behind = !word & (u64::MAX - 1) << (at % 64);
            if behind != 0 {
                at = at / 64 * 64 + behind.trailing_zeros() as usize;
                for lower in (1..level).rev() {
                    let word = self.words[self.starts[lower] + at];
                    at = at * 64 + (!word).trailing_zeros() as usize;
                }
                return Some(at);
            }
            at /= 64;
        }
        None
    }

    /// The last clear bit.
    pub(super) fn last_clear(&self) -> Option<usize> {
        let at = self.descend(|word| 63 - (!word).leading_zeros())?;
        let bit = at * 64 + 63 - (!self.words[at]).leading_zeros() as usize;
        (bit < self.len).then_some(bit)
    }

    #[inline]
    fn descend(&self, pick: impl Fn(u64) -> u32) -> Option<usize> {
        let mut at = 0;
        for level in (1..self.levels).rev() {
            let word = self.words[self.starts[level] + at];
            if word == u64::MAX {
                return None;
            }
            at = at * 64 + pick(word) as usize;
        }
        (self.words[at] != u64::MAX).then_some(at)
    }
}
