//! Scripts: each puts its interpreter and the argument of its `#!` line before the arguments.

use super::Request;
use super::args::Strings;
use crate::file::{Executable, Found};
use crate::process::Current;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use braid_files::executable::script::{self, DEPTH, START};
use fallible::to_vec;

/// Opens what is to be executed, following `#!` lines. Answers the file and its first bytes.
pub(super) fn resolve(
    thread: &Current,
    request: &mut Request,
) -> Result<(Found, [u8; START]), Stop> {
    let mut path = to_vec(&request.path)?;
    for _ in 0..=DEPTH {
        let found = Executable::find(thread, &path)?;
        let mut start = [0; START];
        found.executable.read_at(0, &mut start)?;
        if !script::is_script(&start) {
            return Ok((found, start));
        }
        let line = script::parse(&start).ok_or(Errno::ENOEXEC)?;
        if line.interpreter.is_empty() {
            return Err(Errno::EACCES.into());
        }
        let mut arguments = Strings::new();
        arguments.push(line.interpreter)?;
        if let Some(argument) = line.argument {
            arguments.push(argument)?;
        }
        arguments.push(&path)?;
        arguments.append(&request.arguments, 1)?;
        request.arguments = arguments;
        path = to_vec(line.interpreter)?;
    }
    // As on Linux, what cannot be opened is told before there were too many.
    Executable::find(thread, &path)?;
    Err(Errno::ELOOP.into())
}
