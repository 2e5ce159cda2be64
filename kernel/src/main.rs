//! The Braid kernel: the README says what it is made of.
#![no_std]
#![no_main]

extern crate alloc;

mod arch;
mod boot;
mod console;
mod file;
mod mem;
mod panic;
mod power;
mod process;
mod sched;
mod signal;
mod start;
mod syscall;
mod tori;
mod trap;
