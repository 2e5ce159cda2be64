//! Programs run on booted machines, and what a test can say about it.
//!
//! [`Exec`] runs one program in a machine of its own, through the same code as `braid exec`. [`Exec::host`] runs the same
//! program with the same files on the host, to compare. [`tool`] and [`pty`] drive the tool itself. As many machines run at
//! once as the host has cores.

mod boot;
pub mod cases;
mod exec;
mod limine;
pub mod picture;
pub mod programs;
pub mod pty;
mod slots;
pub mod stub;
pub mod tool;
pub mod watched;

pub use boot::{Output, boot, parts};
pub use exec::{Exec, Via};
pub use limine::limine;
