#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

extern crate alloc;

pub mod above;
pub mod checked;
mod error;
pub mod home;
pub mod lease;
pub mod migrated;
pub mod per_torus;
mod reading;
mod receive;
mod wish;

pub use error::TravelError;
pub use per_torus::{PerTorus, is_quiet};
pub use receive::receive;
