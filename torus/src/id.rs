//! Names of tori.

use core::fmt;

/// The most tori a machine is divided into.
pub const MAX_TORI: usize = 64;

/// The number of a torus, counted from 0 in the order of the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TorusId(u8);

impl TorusId {
    /// The first torus, which every machine has.
    pub const ZERO: Self = Self(0);

    /// The torus with number `index`; `None` from [`MAX_TORI`] on.
    pub const fn new(index: usize) -> Option<Self> {
        if index < MAX_TORI {
            Some(Self(index as u8))
        } else {
            None
        }
    }

    /// The number, less than [`MAX_TORI`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The first `count` tori in order; at most [`MAX_TORI`].
    pub fn first(count: usize) -> impl Iterator<Item = Self> + Clone {
        (0..count.min(MAX_TORI)).map(|index| Self(index as u8))
    }
}

impl fmt::Display for TorusId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a deposit: the pages of one process that stayed behind on one torus. Never used again, so that
/// a late message about a closed deposit is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DepositId(u64);

impl DepositId {
    const SERIAL_BITS: u32 = 56;

    /// The name as one word.
    pub const fn to_word(self) -> u64 {
        self.0
    }

    /// The name that the word stands for.
    pub const fn from_word(word: u64) -> Option<Self> {
        if word >> Self::SERIAL_BITS < MAX_TORI as u64 {
            Some(Self(word))
        } else {
            None
        }
    }
}

impl fmt::Display for DepositId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let serial = self.0 & ((1 << Self::SERIAL_BITS) - 1);
        write!(f, "{}.{serial}", self.0 >> Self::SERIAL_BITS)
    }
}

/// Gives the deposit names of one torus.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DepositNames(u64);

impl DepositNames {
    /// Names that start with `torus`.
    pub const fn new(torus: TorusId) -> Self {
        Self((torus.0 as u64) << DepositId::SERIAL_BITS)
    }

    /// A name that was never given before (2^56 of them: a billion a second for two years).
    pub const fn give(&mut self) -> DepositId {
        let id = DepositId(self.0);
        self.0 += 1;
        id
    }
}
