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

pub mod addr;
#[expect(
    clippy::disallowed_methods,
    reason = "operations on objects are reserved by the caller"
)]
pub mod builder;
mod checked;
pub mod clock;
#[expect(
    clippy::disallowed_methods,
    reason = "operations on objects are reserved by the caller"
)]
pub mod datacap;
pub mod fault;
pub mod flush;
pub mod frames;
pub mod hash;
pub mod layout;
pub mod page_cache;
pub mod places;
pub mod pool;
pub mod reclaim;
pub mod shown;
pub mod slab;
pub mod space;
#[expect(
    clippy::disallowed_methods,
    reason = "operations on objects are reserved by the caller"
)]
pub mod store;
pub mod swap;
pub mod table;
pub mod transfer;
#[expect(
    clippy::disallowed_methods,
    reason = "operations on objects are reserved by the caller"
)]
pub mod vmo;
