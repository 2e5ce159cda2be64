//! Names of tori.

use core::fmt;

/// The most tori a machine is divided into.
pub const MAX_TORI: usize = 64;

/// The number of a torus, counted from 0 in the order of the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TorusId(u8);

impl TorusId {
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
