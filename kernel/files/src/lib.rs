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

pub mod archive;
pub mod chunks;
pub mod credentials;
pub mod error;
pub mod executable;
pub mod line;
pub mod lines;
pub mod load;
pub mod locks;
pub mod permission;
pub mod pipe;
pub mod rate;
pub mod remote;
pub mod stat;
pub mod table;
pub mod tmp;
pub mod walk;
