#![doc = include_str!("../README.md")]

pub mod circle;
pub mod core;
pub mod count;
pub mod imports;
pub mod layers;
pub mod names;
pub mod sources;
