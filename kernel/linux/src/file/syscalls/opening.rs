//! open and its kin: from a path to a descriptor.

use super::super::flags::Flags;
use super::super::memory;
use super::dispatch::{At, about_path};
use super::{descriptor_limit, path};
use crate::file::context::HasFiles as _;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use braid_files::remote::ask::Request;
use fallible::TryVec;
use mem::user::{UserError, read_c_string};

/// open(2).
pub fn open(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    let (flags, mode) = (call.args[1] as u32, call.args[2] as u32);
    open_path(call, At::here(&path), flags, mode)
}

/// creat(2).
pub fn creat(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    let flags = Flags::CREAT | Flags::WRONLY | Flags::TRUNC;
    let mode = call.args[1] as u32;
    open_path(call, At::here(&path), flags.bits(), mode)
}

/// openat(2).
pub fn openat(call: &mut Call) -> SysResult {
    let path = path(call, 1)?;
    let (flags, mode) = (call.args[2] as u32, call.args[3] as u32);
    open_path(call, At::from(call.int(0), &path), flags, mode)
}

fn open_path(call: &Call, at: At, flags: u32, mode: u32) -> SysResult {
    let known = Flags::from_bits_truncate(flags);
    let mode = mode & !call.process.files().umask();
    let (close_on_exec, limit) = (known.contains(Flags::CLOEXEC), descriptor_limit(call));
    // A file that is made, or cut, has its descriptor.
    call.process.files().make_room(limit)?;
    let follow = !known.contains(Flags::NOFOLLOW) && !known.contains(Flags::CREAT | Flags::EXCL);
    let file = about_path(call, At { follow, ..at }, Request::Open { flags, mode })?.opened()?;
    Ok(call.process.files().insert(file, close_on_exec, 0, limit)? as usize)
}

/// The longest name of memfd_create(2), its NUL included.
const MEMFD_NAME_MAX: usize = 250;

/// memfd_create(2): a file of `/tmp` without a name.
pub fn memfd_create(call: &mut Call) -> SysResult {
    const CLOEXEC: u64 = 1;
    const ALLOW_SEALING: u64 = 2;
    if call.args[1] & !(CLOEXEC | ALLOW_SEALING) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let name = read_c_string(call.size(0), MEMFD_NAME_MAX).map_err(|error| match error {
        UserError::TooLong => Errno::EINVAL.into(),
        error => Stop::from(error),
    })?;
    let mut shown = fallible::to_vec(b"memfd:")?;
    shown.try_extend_from_slice(&name)?;
    let (close_on_exec, limit) = (call.args[1] & CLOEXEC != 0, descriptor_limit(call));
    let who = call.process.credentials.lock().identity();
    let file = memory::nameless(&who, call.args[1] & ALLOW_SEALING != 0, Some(shown))?;
    Ok(call.process.files().insert(file, close_on_exec, 0, limit)? as usize)
}
