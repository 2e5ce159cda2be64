#![doc = include_str!("../README.md")]

#[cfg(not(test))]
mod api;
mod decode;
mod lines;
#[cfg(not(test))]
mod plugin;
mod regions;
mod report;
mod stretch;
