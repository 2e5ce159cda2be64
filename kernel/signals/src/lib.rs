#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::disallowed_macros,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )
)]

extern crate alloc;

pub mod action;
pub mod info;
mod number;
pub mod pending;
pub mod stack;

pub use info::SigInfo;
pub use number::{STOPS, Signal, UNMASKABLE};
