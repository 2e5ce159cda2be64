//! The frame pool of a torus: a bitmap, 0 free and 1 used, with summary levels, and a second one for
//! aligned runs of 512. Every operation on a frame or a run is a fixed number of word operations.

mod bits;
mod cache;

use core::fmt;

use bits::Bits;
pub use cache::CoreCache;

use crate::addr::{Frame, FrameRange, PAGES_PER_2M};

/// Words of the bitmap that a run of 512 frames takes.
const RUN_WORDS: usize = PAGES_PER_2M as usize / 64;

/// Why the pool refused; nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolError {
    /// The storage is too small for the range, or the range is empty or above 4 TiB.
    Storage,
    /// The frame is free already.
    DoubleFree(Frame),
    /// The frame is not of this pool.
    Foreign(Frame),
    /// The frame is not the first of an aligned run.
    Unaligned(Frame),
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage => f.write_str("pool storage does not fit the range of frames"),
            Self::DoubleFree(frame) => write!(f, "{frame:?} freed twice"),
            Self::Foreign(frame) => write!(f, "{frame:?} freed to a pool that does not own it"),
            Self::Unaligned(frame) => write!(f, "{frame:?} begins no run of 512"),
        }
    }
}

impl core::error::Error for PoolError {}

/// A pool of frames.
pub struct FramePool<'a> {
    range: FrameRange,
    /// Frame number of bit 0: the range's start, rounded down to a run.
    base: Frame,
    frames: Bits<'a>,
    /// One bit per run: 0 when all of its frames are free.
    runs: Bits<'a>,
    free: u64,
}

impl<'a> FramePool<'a> {
    /// Words of storage for a pool over `range`.
    pub const fn storage_words(range: FrameRange) -> usize {
        let frames = Self::bits(range);
        Bits::words(frames) + Bits::words(frames / PAGES_PER_2M as usize)
    }

    /// Bits for `range`, rounded outwards to whole runs.
    const fn bits(range: FrameRange) -> usize {
        (range.end.0.next_multiple_of(PAGES_PER_2M) - range.start.0 / PAGES_PER_2M * PAGES_PER_2M)
            as usize
    }

    /// A pool in which all of `range` is free.
    ///
    /// # Errors
    /// [`PoolError::Storage`].
    pub fn new(range: FrameRange, storage: &'a mut [u64]) -> Result<Self, PoolError> {
        if range.is_empty() {
            return Err(PoolError::Storage);
        }
        let bits = Self::bits(range);
        if storage.len() < Self::storage_words(range) {
            return Err(PoolError::Storage);
        }
        let (frames, runs) = storage.split_at_mut(Bits::words(bits));
        let base = Frame(range.start.0 / PAGES_PER_2M * PAGES_PER_2M);
        let mut pool = Self {
            range,
            base,
            frames: Bits::new(bits, frames)?,
            runs: Bits::new(bits / PAGES_PER_2M as usize, runs)?,
            free: bits as u64,
        };
        pool.reserve(FrameRange::new(base, range.start));
        pool.reserve(FrameRange::new(range.end, base + bits as u64));
        Ok(pool)
    }

    /// The frames that the pool answers for.
    pub const fn range(&self) -> FrameRange {
        self.range
    }

    /// Free frames; exact. Those in [`CoreCache`]s are not among them.
    pub const fn available(&self) -> u64 {
        self.free
    }

    /// Takes the free frames of a range out for good: holes of the memory map, the kernel's image.
    /// Parts outside the pool are passed over.
    pub fn reserve(&mut self, range: FrameRange) {
        let end = self.base + Self::bits(self.range) as u64;
        let range = range.intersect(FrameRange::new(self.base, end));
        let mut bit = range.start - self.base;
        let last = bit + range.len();
        while bit < last {
            let count = (64 - bit % 64).min(last - bit);
            let mask = (u64::MAX >> (64 - count)) << (bit % 64);
            let word = bit as usize / 64;
            self.free -= u64::from((mask & !self.frames.word(word)).count_ones());
            self.frames.set_mask(word, mask);
            self.runs
                .set_mask(word / RUN_WORDS / 64, 1 << (word / RUN_WORDS % 64));
            bit += count;
        }
    }

    /// Takes a frame: the lowest free one, so that runs stay whole.
    pub fn allocate(&mut self) -> Option<Frame> {
        let mut one = [Frame(0)];
        (self.allocate_batch(self.base, &mut one) == 1).then_some(one[0])
    }

    /// Takes up to `into.len()` frames, from one word of the bitmap: the first that has any from that of frame `from` on, else
    /// the first of all; answers how many. Zero only when there is none.
    pub fn allocate_batch(&mut self, from: Frame, into: &mut [Frame]) -> usize {
        let from = from.0.saturating_sub(self.base.0) / 64;
        let Some(word) = self.frames.first_open(from as usize) else {
            return 0;
        };
        let mut open = !self.frames.word(word);
        let before = open;
        let mut count = 0;
        for frame in into {
            if open == 0 {
                break;
            }
            *frame = self.base + (word as u64 * 64 + u64::from(open.trailing_zeros()));
            open &= open - 1;
            count += 1;
        }
        self.frames.set_mask(word, before & !open);
        self.runs
            .set_mask(word / RUN_WORDS / 64, 1 << (word / RUN_WORDS % 64));
        self.free -= count as u64;
        count
    }

    /// Takes 512 aligned frames: the highest that there are.
    pub fn allocate_run(&mut self) -> Option<FrameRange> {
        let run = self.runs.last_clear()?;
        self.runs.set_mask(run / 64, 1 << (run % 64));
        for word in 0..RUN_WORDS {
            self.frames.set_mask(run * RUN_WORDS + word, u64::MAX);
        }
        self.free -= PAGES_PER_2M;
        Some(FrameRange::at(
            self.base + run as u64 * PAGES_PER_2M,
            PAGES_PER_2M,
        ))
    }

    /// Gives a frame back.
    ///
    /// # Errors
    /// [`PoolError::Foreign`], [`PoolError::DoubleFree`].
    pub fn free(&mut self, frame: Frame) -> Result<(), PoolError> {
        if !self.range.contains(frame) {
            return Err(PoolError::Foreign(frame));
        }
        let bit = (frame - self.base) as usize;
        if !self.frames.get(bit) {
            return Err(PoolError::DoubleFree(frame));
        }
        let word = bit / 64;
        self.frames.clear_mask(word, 1 << (bit % 64));
        self.free += 1;
        if self.frames.word(word) == 0 {
            self.note_free_run(word / RUN_WORDS);
        }
        Ok(())
    }

    /// Gives 512 aligned frames back, whether they were taken as a run or one by one.
    ///
    /// # Errors
    /// [`PoolError::Unaligned`], [`PoolError::Foreign`], [`PoolError::DoubleFree`] when one is free.
    pub fn free_run(&mut self, first: Frame) -> Result<(), PoolError> {
        if !first.0.is_multiple_of(PAGES_PER_2M) {
            return Err(PoolError::Unaligned(first));
        }
        if !self.range.covers(FrameRange::at(first, PAGES_PER_2M)) {
            return Err(PoolError::Foreign(first));
        }
        let run = ((first - self.base) / PAGES_PER_2M) as usize;
        let words = run * RUN_WORDS..(run + 1) * RUN_WORDS;
        if words.clone().any(|word| self.frames.word(word) != u64::MAX) {
            return Err(PoolError::DoubleFree(first));
        }
        words.for_each(|word| self.frames.clear_mask(word, u64::MAX));
        self.free += PAGES_PER_2M;
        self.note_free_run(run);
        Ok(())
    }

    /// Clears a run's bit if all of its frames are free.
    fn note_free_run(&mut self, run: usize) {
        let mut words = run * RUN_WORDS..(run + 1) * RUN_WORDS;
        if words.all(|word| self.frames.word(word) == 0) {
            self.runs.clear_mask(run / 64, 1 << (run % 64));
        }
    }
}
