#![doc = include_str!("../README.md")]
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;

pub mod archive;
pub mod config;
pub mod executable;
pub mod map;
pub mod paging;
pub mod protocol;
pub mod requests;
pub mod respond;
pub mod space;
pub mod time;
