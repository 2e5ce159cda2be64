#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod fair;
pub mod idle;
pub mod interruption;
pub mod policy;
pub mod state;
pub mod timers;
