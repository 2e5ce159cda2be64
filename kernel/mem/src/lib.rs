#![doc = include_str!("../README.md")]
#![no_std]
#![deny(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

extern crate alloc;

pub mod above;
pub mod content_frame;
pub mod evict;
pub mod fault;
pub mod frame_ref;
pub mod hash;
pub mod names;
pub mod object;
pub mod page_cache;
pub mod reclaim;
mod remote;
pub mod restore;
pub mod space;
pub mod spaces;
pub mod swap;
mod torus;
pub mod user;

pub use remote::{NoFrame, RemotePages};
pub use torus::{Kept, OfTorus};
