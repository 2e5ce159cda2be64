#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(not(target_os = "none"))]
extern crate std;

mod head;
mod lock;
mod own;

pub use head::Head;
pub use lock::{IrqGuard, IrqLock, Lock, Relax};
pub use own::OwnCell;
