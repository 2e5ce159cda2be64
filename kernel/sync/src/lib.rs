#![doc = include_str!("../README.md")]
#![no_std]
#![deny(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

extern crate alloc;
#[cfg(not(target_os = "none"))]
extern crate std;

mod counter;
mod head;
mod local;
mod lock;
mod own;
mod wait;

pub use counter::Counter;
pub use head::Head;
pub use local::Local;
pub use lock::{IrqGuard, IrqLock, Lock, Relax};
pub use own::OwnCell;
pub use wait::{WaitQueue, Waiter, Woken};
