//! Why something that travels does not.

use fallible::NoMemory;
use thiserror::Error;

/// Why something that travels does not.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TravelError {
    /// There is no memory for it.
    #[error(transparent)]
    NoMemory(#[from] NoMemory),
    /// What it is called by is nothing here.
    #[error("there is none of this name")]
    Unknown,
}
