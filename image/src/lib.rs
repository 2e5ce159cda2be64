#![doc = include_str!("../README.md")]

pub mod accel;
pub mod archive;
pub mod build;
pub mod cli;
pub mod console;
pub mod elf_check;
pub mod ending;
pub mod exec;
pub mod gdb;
pub mod host_io;
pub mod install;
pub mod log_lines;
pub mod machine;
mod polling;
pub mod progress;
pub mod qemu;
pub mod repo;
pub mod run;
pub mod session;
pub mod setup;
pub mod signals;
pub mod symbolize;
pub mod terminal;
pub mod tree;
pub mod vmo;
pub mod words;
