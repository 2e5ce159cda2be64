#![doc = include_str!("../README.md")]
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;

pub mod addr;
pub mod builder;
mod checked;
pub mod clock;
pub mod datacap;
pub mod fault;
pub mod flush;
pub mod frames;
pub mod hash;
pub mod page_cache;
pub mod pool;
pub mod slab;
pub mod space;
pub mod store;
pub mod swap;
pub mod table;
pub mod vmo;
