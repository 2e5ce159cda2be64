#![doc = include_str!("../README.md")]
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;

pub mod balance;
pub mod family;
mod id;
pub mod lease;
pub mod message;
pub mod migrate;
pub mod outbox;
pub mod pid;
pub mod plan;
pub mod ring;
pub mod span;

pub use id::{DepositId, DepositNames, MAX_TORI, TorusId};
