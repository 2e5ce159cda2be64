#![doc = include_str!("../README.md")]

pub mod mutate;
mod targets;

use targets::{files, firmware, loader, objects, programs};

/// Something that reads bytes which it cannot trust.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Reads the bytes, and asserts what holds whatever they are.
    pub read: fn(&[u8]),
    /// Good input to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Makes a target of a module's two functions.
const fn target(name: &'static str, read: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>) -> Target {
    Target { name, read, seeds }
}

/// Every parser of bytes that come from programs, disks, firmware, loaders, other tori, or the machine.
pub const TARGETS: [Target; 13] = [
    target("archive", files::archive, files::archives),
    target("file-messages", files::message, files::messages),
    target(
        "command-line",
        firmware::command_line,
        firmware::command_lines,
    ),
    target("acpi", firmware::tables, firmware::memories),
    target("acpi-content", firmware::contents, firmware::tables_alone),
    target("loader-archive", loader::archive, files::archives),
    target("loader-config", loader::config, loader::configs),
    target("loader-executable", loader::executable, loader::executables),
    target("loader-memory", loader::memory, loader::memories),
    target("program", programs::elf, programs::elves),
    target("script", programs::line, programs::lines),
    target("data-cap", objects::cap, objects::caps),
    target("ring-message", objects::line, objects::lines),
];

/// The target of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
