#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]
#![expect(
    unreachable_pub,
    reason = "`pub` means for the whole crate; what the kernel wires is `pub` all the way"
)]

extern crate alloc;

mod console;
mod file;
mod memory;
mod moving;
mod per_core;
mod per_torus;
mod process;
mod signal;
mod syscall;
mod threads;
mod trap;
mod vmo;

pub use console::start as start_console;
pub use per_core::Own as PerCore;
pub use per_torus::PerTorus;
pub use process::random::fill as fill_random;
pub use process::start;
pub use process::thread::Task;
pub use process::users::most_in as most_processes;

/// What traps of programs, and interrupts, call.
pub mod traps {
    pub use crate::syscall::quick::QUICK;
    pub use crate::trap::{exception, interrupt, syscall};
}

/// Who pays for memory, and what is done with a program's: upcalls of `tori` and `mem`.
pub mod upcalls {
    pub use crate::file::{count_pages, has_room, may_grow};
    pub use crate::memory::deferred::write;
    pub use crate::memory::fault::of_kernel as touch;
    pub use crate::memory::victim::find as find_victim;
    pub use crate::process::charge::is_closed;
    pub use crate::process::payer::heap as heap_grew;
}

/// Who receives the messages of each protocol.
pub mod receivers {
    pub use crate::file::remote::receive::receive as file;
    pub use crate::moving::receive::receive as migrate;
    pub use crate::process::balance::{told as load_told, wanted};
    pub use crate::process::closing::{close, done, end, tell};
    pub use crate::process::drain::told as drain;
    pub use crate::process::init::begin;
    pub use crate::process::remote::deliver as family;
}
