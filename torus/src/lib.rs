#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::disallowed_macros,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )
)]
#![deny(unsafe_code)]

extern crate alloc;

#[macro_use]
pub mod message;

pub mod balance;
pub mod family;
pub mod file;
mod id;
pub mod lease;
pub mod machine;
pub mod migrate;
pub mod outbox;
pub mod pid;
pub mod plan;
pub mod probe;
pub mod ring;
pub mod span;

pub use id::{DepositId, DepositNames, MAX_TORI, TorusId};
