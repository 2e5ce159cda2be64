#![doc = include_str!("../README.md")]

pub mod catalogue;
pub mod counted;
pub mod mark;
pub mod options;
pub mod record;
pub mod stats;
