//! Linux as the peer: its kernel, an initramfs with the benchmark program, and a machine for them.

pub mod boot;
pub mod find;
pub mod kernel;

pub use boot::{Huge, boot, words};
pub use kernel::Kernel;
