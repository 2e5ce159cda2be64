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
pub mod host;
pub mod lease;
mod reading;
mod receive;
pub mod share;

pub use error::TravelError;
pub use receive::receive;
pub use share::{Share, is_quiet};
