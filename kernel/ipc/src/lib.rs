#![doc = include_str!("../README.md")]
#![no_std]
#![deny(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

extern crate alloc;

pub mod parcel;
pub mod words;

use fallible::NoMemory;

/// Why memory is not lent, or is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LentError {
    /// No frame for it.
    NoMemory,
    /// More than may be lent at once.
    TooLong,
    /// It is not what it should be: its owner does not have it, or it ends too early.
    Malformed,
}

impl From<NoMemory> for LentError {
    fn from(_: NoMemory) -> Self {
        Self::NoMemory
    }
}
