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
#[forbid(unsafe_code)]
mod console;
#[forbid(unsafe_code)]
mod deliver;
#[forbid(unsafe_code)]
mod file;
#[forbid(unsafe_code)]
mod memory;
#[forbid(unsafe_code)]
mod moving;
mod per_core;
#[forbid(unsafe_code)]
mod process;
#[forbid(unsafe_code)]
mod signal;
mod start;
mod swap;
#[forbid(unsafe_code)]
mod syscall;
#[forbid(unsafe_code)]
mod trap;
#[forbid(unsafe_code)]
mod vmo;
mod wiring;
