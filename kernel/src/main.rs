#![doc = include_str!("../README.md")]
#![no_std]
#![no_main]
#![deny(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]
#![expect(
    unreachable_pub,
    reason = "a program has no outside: `pub` means for the whole kernel"
)]

extern crate alloc;

#[forbid(unsafe_code)]
mod deliver;
mod start;
mod swap;
mod wiring;
