//! Processes that move to another torus. docs/migration.md has the protocol; their pages are the crate `travel`'s.
//!
//! [`call`] is what programs ask for. [`depart`] freezes a process on its way back to its program, makes its [`image`] and offers it;
//! [`arrive`] makes the process of an image. [`pages`] is what pages that travel need of processes.

pub mod arrive;
pub mod call;
pub mod depart;
pub mod image;
pub mod pages;
pub mod receive;
