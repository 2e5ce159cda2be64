#![doc = include_str!("../README.md")]
#![no_std]
#![deny(unsafe_code)]

mod id;
pub mod plan;

pub use id::{MAX_TORI, TorusId};
