//! read, write and their kin; lseek, truncate, fsync.

use super::super::content::LEN_MAX;
use super::super::io::Transfer;
use super::super::kind::Origin;
use super::super::open::{OpenFile, has_changed_elsewhere};
use super::super::own::Own;
use super::super::service::Outcome;
use super::super::{remote, transfer};
use super::dispatch::{At, about_file, about_path};
use super::{file, path};
use crate::process::limits;
use crate::signal;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use braid_files::remote::ask::Request;
use braid_signals::Signal;
use braid_threads::interruption::Interruption;
use mem::user::UserBuffers;

/// The file of a read or write, and its buffers.
type Wish = (Arc<OpenFile>, UserBuffers);

fn read_into(call: &mut Call, (file, buffers): Wish, position: Option<u64>) -> SysResult {
    match file.whereabouts() {
        Origin::Here => {}
        Origin::Remote(remote) => return remote::read(call, &file, remote, buffers, position),
        Origin::Archive(id) if has_changed_elsewhere(id) => {
            return remote::read_changed(call, &file, id, buffers, position);
        }
        Origin::Archive(_) => {}
    }
    let caller = Own::of(call);
    let io = &mut Transfer::new(buffers, call.inflight).at(position);
    transfer::read(&caller, &file, io)
}

fn write_from(call: &mut Call, (file, buffers): Wish, position: Option<u64>) -> SysResult {
    let result = if let Origin::Remote(remote) = file.whereabouts() {
        remote::write(call, remote, buffers, position)
    } else {
        let caller = Own::of(call);
        let io = &mut Transfer::new(buffers, call.inflight).at(position);
        transfer::write(&caller, &file, io)
    };
    match result {
        Err(Stop::Errno(Errno::EPIPE)) => signal::send(call.process, Signal::PIPE),
        result => too_large(call, &result),
    }
    result
}

/// A process that makes a file larger than it may gets a signal.
fn too_large(call: &Call, result: &SysResult) {
    if *result != Err(Stop::Errno(Errno::EFBIG)) {
        return;
    }
    let limit = call.process.limits.lock().current(limits::FSIZE);
    if limit != limits::INFINITY {
        signal::send(call.process, Signal::XFSZ);
    }
}

/// What signals do to a read or write: of what ends by itself nothing, as on Linux; others wait for what somebody else does, or for ever.
pub fn interruption(call: &Call) -> Interruption {
    file(call).map_or(Interruption::Never, |file| file.interruption())
}

/// The position in argument 3 of pread and pwrite. EINVAL for a negative one.
fn position(call: &Call) -> Result<u64, Errno> {
    if call.args[3] > LEN_MAX {
        Err(Errno::EINVAL)
    } else {
        Ok(call.args[3])
    }
}

/// What read, write, pread and pwrite are about. The descriptor is judged before the buffer.
fn one(call: &Call) -> Result<Wish, Errno> {
    let file = file(call)?;
    Ok((file, UserBuffers::one(call.size(1), call.size(2))?))
}

/// What readv and kin are about.
fn vector(call: &Call) -> Result<Wish, Stop> {
    let file = file(call)?;
    Ok((file, UserBuffers::vector(call.size(1), call.size(2))?))
}

/// read(2).
pub fn read(call: &mut Call) -> SysResult {
    let wish = one(call)?;
    read_into(call, wish, None)
}

/// write(2).
pub fn write(call: &mut Call) -> SysResult {
    let wish = one(call)?;
    write_from(call, wish, None)
}

/// readv(2).
pub fn readv(call: &mut Call) -> SysResult {
    let wish = vector(call)?;
    read_into(call, wish, None)
}

/// writev(2).
pub fn writev(call: &mut Call) -> SysResult {
    let wish = vector(call)?;
    write_from(call, wish, None)
}

/// pread64(2).
pub fn pread64(call: &mut Call) -> SysResult {
    let position = position(call)?;
    let wish = one(call)?;
    read_into(call, wish, Some(position))
}

/// pwrite64(2).
pub fn pwrite64(call: &mut Call) -> SysResult {
    let position = position(call)?;
    let wish = one(call)?;
    write_from(call, wish, Some(position))
}

/// preadv(2).
pub fn preadv(call: &mut Call) -> SysResult {
    let position = position(call)?;
    let wish = vector(call)?;
    read_into(call, wish, Some(position))
}

/// pwritev(2).
pub fn pwritev(call: &mut Call) -> SysResult {
    let position = position(call)?;
    let wish = vector(call)?;
    write_from(call, wish, Some(position))
}

/// lseek(2).
pub fn lseek(call: &mut Call) -> SysResult {
    const END: u32 = 2;
    let (offset, whence) = (call.args[1] as i64, call.args[2] as u32);
    let file = file(call)?;
    if whence == END && file.archive().is_some() {
        // It may have another length by now.
        let size = about_file(call, file.clone(), Request::Stat)?.stat()?.size as i64;
        let offset = size.checked_add(offset).ok_or(Errno::EOVERFLOW)?;
        return about_file(call, file, Request::Seek { offset, whence: 0 })?.number();
    }
    about_file(call, file, Request::Seek { offset, whence })?.number()
}

/// The length in an argument of truncate. EINVAL for a negative one.
fn length(call: &Call) -> Result<u64, Errno> {
    if call.args[1] > LEN_MAX {
        Err(Errno::EINVAL)
    } else {
        Ok(call.args[1])
    }
}

/// truncate(2).
pub fn truncate(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    let len = length(call)?;
    let result = about_path(call, At::here(&path), Request::Truncate { len });
    let result = result.and_then(Outcome::number);
    too_large(call, &result);
    result
}

/// ftruncate(2).
pub fn ftruncate(call: &mut Call) -> SysResult {
    let file = file(call)?;
    let len = length(call)?;
    let result = about_file(call, file, Request::Truncate { len });
    let result = result.and_then(Outcome::number);
    too_large(call, &result);
    result
}

/// fsync(2), fdatasync(2).
pub fn fsync(call: &mut Call) -> SysResult {
    about_file(call, file(call)?, Request::Sync)?.number()
}

/// sync(2).
pub fn sync(_: &mut Call) -> SysResult {
    Ok(0)
}
