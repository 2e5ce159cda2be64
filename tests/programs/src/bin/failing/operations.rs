//! The operations whose allocations fail. They allocate nothing themselves.

mod files;
mod memory;
mod processes;
mod travel;

use std::ffi::CStr;

use braid_test_programs::Answer;
use libc as l;

/// What a program that is executed exits with.
pub(crate) const CHILD: i32 = 3;

/// An operation.
pub(crate) struct Operation {
    /// Its name.
    pub(crate) name: &'static str,
    /// Does it, and undoes what it has done.
    pub(crate) act: fn() -> Answer,
    /// What it may answer without memory.
    pub(crate) errors: &'static [i32],
}

const fn new(name: &'static str, act: fn() -> Answer) -> Operation {
    // Locks end with an error of their own.
    let errors = &[l::ENOMEM, l::ENOLCK];
    Operation { name, act, errors }
}

/// All of them.
pub(crate) const ALL: &[Operation] = &[
    new("directory", files::directory),
    new("file", files::file),
    new("names", files::names),
    new("pipe", files::pipe),
    new("descriptors", files::descriptors),
    new("locks", files::locks),
    new("poll", files::poll),
    new("select", files::select),
    new("proc", files::proc),
    new("memory", memory::memory),
    new("remap", memory::remap),
    new("shared", memory::shared),
    new("mapped file", memory::mapped_file),
    new("fork", processes::fork),
    new("execve", processes::execve),
    new("many signals", processes::many_signals),
    new("timer", processes::timer),
    new("sleep", processes::sleep),
    new("futex", processes::futex),
    new("groups", processes::groups),
    new("objects", memory::objects),
    new("move", travel::moves),
    new("many things move", travel::many_things_move),
    new("child moves", travel::child_moves),
];

const FILE: &CStr = c"/tmp/failing";
const OTHER: &CStr = c"/tmp/failing.other";
const EXECUTABLE: &CStr = c"/proc/self/exe";

fn path(path: &CStr) -> usize {
    path.as_ptr() as usize
}
