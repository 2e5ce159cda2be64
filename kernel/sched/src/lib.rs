#![doc = include_str!("../README.md")]
#![no_std]
#![deny(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

extern crate alloc;

mod account;
mod core;
mod current;
mod deadline;
mod idle;
mod own;
mod owner;
mod switch;
mod thread;
mod tick;
mod timer;
mod torus;
mod turn;
mod wake;

pub use self::core::{Kept, Shared, Taken, shared};
pub use self::torus::{RunQueues, of};
pub use account::Used;
pub use braid_threads::state::RunState;
pub use current::{enter_kernel, waiter};
pub use deadline::{cancel_timer, set_timer};
pub use own::{Current, Frozen};
pub use owner::{Next, Owner, Sole};
pub use switch::next_thread;
pub use thread::Thread;
pub use tick::tick;
pub use timer::Due;
pub use turn::SLICE;
pub use wake::wake_idle;
