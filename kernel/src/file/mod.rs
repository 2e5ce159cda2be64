//! Files.

pub mod tty;
