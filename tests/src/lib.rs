#![doc = include_str!("../README.md")]

pub mod booted;
pub mod machine;
pub mod network;
