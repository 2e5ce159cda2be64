//! `#!` lines: a script is executed by the interpreter that its first line names (execve(2), "Interpreter scripts").

use super::Request;
use super::args::Strings;
use crate::file::{Executable, Found};
use crate::process::Thread;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use fallible::to_vec;

/// Bytes at the start of a file that are looked at (BINPRM_BUF_SIZE).
const START: usize = 256;
/// Interpreters that may be scripts themselves.
const DEPTH: usize = 4;

/// Opens what is to be executed, following `#!` lines; each puts the interpreter and its argument before the arguments.
/// Answers the file and its first bytes.
pub(super) fn resolve(
    thread: &Arc<Thread>,
    request: &mut Request,
) -> Result<(Found, Vec<u8>), Stop> {
    let mut path = to_vec(&request.path)?;
    for _ in 0..=DEPTH {
        let found = Executable::find(thread, &path)?;
        let mut start = [0; START];
        let n = found.executable.read_at(0, &mut start)?;
        if !start.starts_with(b"#!") {
            return Ok((found, to_vec(&start[..n])?));
        }
        let (interpreter, argument) = parse(&start[2..n])?;
        let mut arguments = Strings::new();
        arguments.push(interpreter)?;
        if !argument.is_empty() {
            arguments.push(argument)?;
        }
        arguments.push(&path)?;
        arguments.append(&request.arguments, 1)?;
        request.arguments = arguments;
        path = to_vec(interpreter)?;
    }
    Err(Errno::ELOOP.into())
}

/// Interpreter and its argument, which is the rest of the line.
fn parse(line: &[u8]) -> Result<(&[u8], &[u8]), Errno> {
    let end = line
        .iter()
        .position(|&byte| byte == b'\n')
        .unwrap_or(line.len());
    let line = line[..end].trim_ascii();
    let split = line
        .iter()
        .position(|byte| b" \t".contains(byte))
        .unwrap_or(line.len());
    let (interpreter, argument) = line.split_at(split);
    if interpreter.is_empty() {
        return Err(Errno::ENOEXEC);
    }
    Ok((interpreter, argument.trim_ascii()))
}
