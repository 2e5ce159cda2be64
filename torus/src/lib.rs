#![doc = include_str!("../README.md")]
#![no_std]
#![deny(unsafe_code)]

mod id;
pub mod plan;
pub mod ring;

pub use id::{MAX_TORI, TorusId};
