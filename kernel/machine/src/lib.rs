#![doc = include_str!("../README.md")]
#![no_std]
#![deny(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

extern crate alloc;

pub mod apic;
pub mod boot;
pub mod console;
pub mod cpu;
pub mod features;
pub mod fpu;
pub mod ioapic;
pub mod ipi;
pub mod paging;
pub mod power;
pub mod random;
pub mod regs;
pub mod segment;
pub mod shootdown;
pub mod smp;
pub mod time;
pub mod usercopy;

mod above;
mod calibrate;
mod causes;
mod control;
mod descriptors;
mod entry;
mod gates;
mod index;
mod mailbox;
mod msr;
mod panic;
mod stacks;
mod start;
mod stop;
mod trap;
mod tsc;

pub use above::{QUICK_LIMIT, QuickTable};
pub use calibrate::Clocks;
pub use causes::{Exception, Interrupt};
pub use control::has_five_levels;
pub use entry::enter_user;
pub use index::{CoreIndex, MAX_CORES};
pub use stacks::{CoreStacks, STRIDE as STACK_STRIDE};
pub use start::{install, start_first_core, start_interrupts};
pub use trap::{take_debug_status, tell_stray_interrupts};
pub use x86_64::structures::idt::PageFaultErrorCode;
