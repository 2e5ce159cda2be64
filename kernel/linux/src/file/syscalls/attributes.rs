//! Attributes: stat and its kin, access, chmod, chown, utimensat, statfs.

use super::super::facts;
use super::super::service::Outcome;
use super::dispatch::{At, about_file, about_path};
use super::{
    AT_EMPTY_PATH, AT_FDCWD, AT_NO_AUTOMOUNT, AT_SYMLINK_NOFOLLOW, file, path, place_or_file,
};
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use braid_files::remote::ask::Request;
use braid_files::stat::{Stat, Time};
use mem::user::{read_value, write_value};

/// stat(2).
pub fn stat(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    let stat = about_path(call, At::here(&path), Request::Stat)?.stat()?;
    put(call.size(1), &stat)
}

/// lstat(2).
pub fn lstat(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    let stat = about_path(call, At::here(&path).itself(), Request::Stat)?.stat()?;
    put(call.size(1), &stat)
}

/// fstat(2).
pub fn fstat(call: &mut Call) -> SysResult {
    let stat = about_file(call, place_or_file(call)?, Request::Stat)?.stat()?;
    put(call.size(1), &stat)
}

/// newfstatat(2).
pub fn newfstatat(call: &mut Call) -> SysResult {
    let stat = stat_at(call, call.args[3])?;
    put(call.size(2), &stat)
}

/// statx(2): the basic fields, whatever is asked for.
pub fn statx(call: &mut Call) -> SysResult {
    const SYNC: u64 = 0x6000;
    let stat = stat_at(call, call.args[2] & !SYNC)?;
    write_value(call.size(4), stat.to_statx())?;
    Ok(0)
}

fn put(address: usize, stat: &Stat) -> SysResult {
    write_value(address, stat.to_stat())?;
    Ok(0)
}

/// What directory descriptor, path and flags (arguments 0, 1 and given) name.
fn stat_at(call: &Call, flags: u64) -> Result<Stat, Stop> {
    if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT) != 0 {
        return Err(Errno::EINVAL.into());
    }
    about(call, flags, Request::Stat)?.stat()
}

fn is_empty(call: &Call, index: usize) -> Result<bool, Stop> {
    Ok(call.args[index] == 0 || read_value::<u8>(call.size(index))? == 0)
}

/// Has something done with what directory descriptor and path (arguments 0 and 1) name.
fn about(call: &Call, flags: u64, request: Request) -> Result<Outcome, Stop> {
    if flags & AT_EMPTY_PATH != 0 && is_empty(call, 1)? {
        return match call.int(0) {
            AT_FDCWD => about_path(call, At::here(b"."), request),
            _ => about_file(call, place_or_file(call)?, request),
        };
    }
    let path = path(call, 1)?;
    let at = At {
        follow: flags & AT_SYMLINK_NOFOLLOW == 0,
        ..At::from(call.int(0), &path)
    };
    about_path(call, at, request)
}

/// access(2).
pub fn access(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    let mode = call.args[1] as u32;
    let real = true;
    about_path(call, At::here(&path), Request::Access { mode, real })?.number()
}

/// faccessat(2).
pub fn faccessat(call: &mut Call) -> SysResult {
    let path = path(call, 1)?;
    let mode = call.args[2] as u32;
    let request = Request::Access { mode, real: true };
    about_path(call, At::from(call.int(0), &path), request)?.number()
}

/// faccessat2(2).
pub fn faccessat2(call: &mut Call) -> SysResult {
    const AT_EACCESS: u64 = 0x200;
    let (mode, flags) = (call.args[2] as u32, call.args[3]);
    if flags & !(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let real = flags & AT_EACCESS == 0;
    about(call, flags & !AT_EACCESS, Request::Access { mode, real })?.number()
}

/// chmod(2).
pub fn chmod(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    let mode = call.args[1] as u32;
    about_path(call, At::here(&path), Request::SetMode { mode })?.number()
}

/// fchmod(2).
pub fn fchmod(call: &mut Call) -> SysResult {
    let mode = call.args[1] as u32;
    about_file(call, file(call)?, Request::SetMode { mode })?.number()
}

/// fchmodat(2).
pub fn fchmodat(call: &mut Call) -> SysResult {
    set_mode_at(call, 0)
}

/// fchmodat2(2).
pub fn fchmodat2(call: &mut Call) -> SysResult {
    let flags = call.args[3];
    if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL.into());
    }
    set_mode_at(call, flags)
}

fn set_mode_at(call: &Call, flags: u64) -> SysResult {
    let mode = call.args[2] as u32;
    about(call, flags, Request::SetMode { mode })?.number()
}

/// The change of owner in arguments `index` and the one after it.
fn owner(call: &Call, index: usize) -> Request {
    const KEEP: u32 = u32::MAX;
    let [uid, gid] = [index, index + 1]
        .map(|index| call.args[index] as u32)
        .map(|id| (id != KEEP).then_some(id));
    Request::SetOwner { uid, gid }
}

/// chown(2).
pub fn chown(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    about_path(call, At::here(&path), owner(call, 1))?.number()
}

/// lchown(2).
pub fn lchown(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    about_path(call, At::here(&path).itself(), owner(call, 1))?.number()
}

/// fchown(2).
pub fn fchown(call: &mut Call) -> SysResult {
    about_file(call, file(call)?, owner(call, 1))?.number()
}

/// fchownat(2).
pub fn fchownat(call: &mut Call) -> SysResult {
    about(call, call.args[4], owner(call, 2))?.number()
}

/// utimensat(2).
pub fn utimensat(call: &mut Call) -> SysResult {
    const NOW: u64 = 0x3fff_ffff;
    const OMIT: u64 = 0x3fff_fffe;
    let now = facts::wall();
    let mut times = [Some(now); 2];
    let mut to_now = true;
    if call.args[2] != 0 {
        let given: [u64; 4] = read_value(call.size(2))?;
        to_now = given[1] == NOW && given[3] == NOW;
        for (time, given) in times.iter_mut().zip(given.chunks_exact(2)) {
            *time = match given[1] {
                NOW => Some(now),
                OMIT => None,
                nanos @ 0..1_000_000_000 => Some(Time {
                    seconds: given[0],
                    nanos: nanos as u32,
                }),
                _ => return Err(Errno::EINVAL.into()),
            };
        }
    }
    let [atime, mtime] = times;
    let request = Request::SetTimes {
        atime,
        mtime,
        to_now,
    };
    if call.args[1] == 0 {
        about_file(call, file(call)?, request)?.number()
    } else {
        about(call, call.args[3], request)?.number()
    }
}

/// statfs(2).
pub fn statfs(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    let outcome = about_path(call, At::here(&path), Request::StatFs)?;
    outcome.write_to(call.size(1), usize::MAX).map(|_| 0)
}

/// fstatfs(2).
pub fn fstatfs(call: &mut Call) -> SysResult {
    let outcome = about_file(call, place_or_file(call)?, Request::StatFs)?;
    outcome.write_to(call.size(1), usize::MAX).map(|_| 0)
}
