//! close, dup and their kin, pipes.

use super::super::flags::Flags;
use super::super::open::OpenFile;
use super::super::pipe;
use super::{descriptor_limit, place_or_file};
use crate::file::context::HasFiles as _;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use mem::user::write_value;
use tori::pieces;

/// close(2).
pub fn close(call: &mut Call) -> SysResult {
    call.process.files().close(call.int(0))?;
    Ok(0)
}

/// close_range(2).
pub fn close_range(call: &mut Call) -> SysResult {
    const UNSHARE: u64 = 2;
    const CLOEXEC: u64 = 4;
    let (first, last, flags) = (call.args[0] as u32, call.args[1] as u32, call.args[2]);
    if first > last || flags & !(UNSHARE | CLOEXEC) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let first = i32::try_from(first).unwrap_or(i32::MAX);
    let mut from = first.max(call.inflight.word as i32);
    while let Some(fd) = call
        .process
        .files()
        .next_number(from)
        .filter(|&fd| fd as u32 <= last)
    {
        if flags & CLOEXEC != 0 {
            call.process.files().set_close_on_exec(fd, true)?;
        } else {
            call.process.files().close(fd)?;
        }
        from = fd + 1;
        call.inflight.word = from as u64;
        if pieces::pause_if_due() {
            return Err(Stop::Again);
        }
    }
    Ok(0)
}

/// dup(2).
pub fn dup(call: &mut Call) -> SysResult {
    let file = place_or_file(call)?;
    Ok(call
        .process
        .files()
        .insert(file, false, 0, descriptor_limit(call))? as usize)
}

/// dup2(2).
pub fn dup2(call: &mut Call) -> SysResult {
    if call.int(0) == call.int(1) {
        place_or_file(call)?;
        return Ok(call.int(1) as usize);
    }
    replace(call, false)
}

/// dup3(2).
pub fn dup3(call: &mut Call) -> SysResult {
    let flags = call.args[2] as u32;
    if flags & !Flags::CLOEXEC.bits() != 0 || call.int(0) == call.int(1) {
        return Err(Errno::EINVAL.into());
    }
    replace(call, flags != 0)
}

fn replace(call: &mut Call, close_on_exec: bool) -> SysResult {
    let file = place_or_file(call)?;
    call.process
        .files()
        .replace(call.int(1), file, close_on_exec, descriptor_limit(call))?;
    Ok(call.int(1) as usize)
}

/// pipe(2).
pub fn pipe(call: &mut Call) -> SysResult {
    make_pipe(call, Flags::empty())
}

/// pipe2(2).
pub fn pipe2(call: &mut Call) -> SysResult {
    let flags = Flags::from_bits_retain(call.args[1] as u32);
    if !(Flags::CLOEXEC | Flags::NONBLOCK | Flags::DIRECT).contains(flags) {
        return Err(Errno::EINVAL.into());
    }
    make_pipe(call, flags)
}

fn make_pipe(call: &mut Call, flags: Flags) -> SysResult {
    let (reader, writer) = pipe::new()?;
    let close_on_exec = flags.contains(Flags::CLOEXEC);
    let kept = flags & Flags::NONBLOCK;
    let written = kept | flags & Flags::DIRECT | Flags::WRONLY;
    let limit = descriptor_limit(call);
    let files = call.process.files();
    let reader = OpenFile::new(reader, kept | Flags::RDONLY)?;
    let writer = OpenFile::new(writer, written)?;
    let first = files.insert(reader, close_on_exec, 0, limit)?;
    let result: Result<_, (Stop, _)> = match files.insert(writer, close_on_exec, 0, limit) {
        Ok(second) => {
            write_value(call.size(0), [first, second]).map_err(|error| (error.into(), Some(second)))
        }
        Err(errno) => Err((errno.into(), None)),
    };
    result.map(|()| 0).map_err(|(stop, second)| {
        for fd in [Some(first), second].into_iter().flatten() {
            // Both were open a moment ago; another thread that closed one has done the work.
            let _ = files.close(fd);
        }
        stop
    })
}
