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

mod checked;
mod console;
mod deliver;
mod file;
mod memory;
mod migrate;
mod per_core;
mod process;
mod signal;
mod start;
mod swap;
mod syscall;
mod trap;
mod vmo;
mod wiring;
