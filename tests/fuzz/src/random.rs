//! The numbers that a victim draws, and the ones that break things.

use fastrand::Rng;

/// A victim's source of numbers: the same seed, the same victim.
pub(crate) struct Random(Rng);

/// Numbers around which kernels go wrong: small ones, powers of two, ends of pages, of types and of address spaces.
const EDGES: [u64; 41] = [
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    16,
    31,
    32,
    63,
    64,
    100,
    127,
    128,
    255,
    256,
    511,
    512,
    1023,
    4095,
    4096,
    4097,
    8192,
    12288,
    65535,
    65536,
    0x10_0000,
    0x20_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_e000,
    0x7fff_ffff_f000,
    0x8000_0000_0000,
    0xffff_8000_0000_0000,
    0xffff_ffff_8000_0000,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    u64::MAX,
];

impl Random {
    /// The numbers of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(Rng::with_seed(seed))
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0.u64(..end)
    }

    /// Any number.
    pub(crate) fn any(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// True once in so many times.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of several.
    pub(crate) fn of<T: Copy>(&mut self, choice: &[T]) -> T {
        choice[self.0.usize(..choice.len())]
    }

    /// A number from the edges.
    pub(crate) fn edge(&mut self) -> u64 {
        match self.below(8) {
            0 => self.any(),
            1 => 1 << self.below(64),
            2 => (1 << self.below(64)) - 1,
            3 => self.below(5000).wrapping_neg(),
            _ => self.of(&EDGES),
        }
    }
}
