//! Making, moving and removing names: mkdir, unlink, rename, link, symlink, mknod and their kin.

use super::super::service::entries;
use super::super::tree::World;
use super::dispatch::{At, about_path, resolve};
use super::two_paths::{Pair, pair};
use super::{AT_EMPTY_PATH, AT_REMOVEDIR, AT_SYMLINK_FOLLOW, path};
use crate::file::context::HasFiles as _;
use crate::syscall::call::{Call, SysResult};
use crate::syscall::errno::Errno;
use alloc::vec::Vec;
use braid_files::archive::{S_IFMT, S_IFREG};
use braid_files::remote::ask::{Ask, Request};
use braid_files::walk::{self, Leaving, PATH_MAX};
use mem::user::read_c_string;

/// mkdir(2).
pub fn mkdir(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    make_directory(call, At::here(&path), call.args[1])
}

/// mkdirat(2).
pub fn mkdirat(call: &mut Call) -> SysResult {
    let path = path(call, 1)?;
    make_directory(call, At::from(call.int(0), &path), call.args[2])
}

fn make_directory(call: &Call, at: At, mode: u64) -> SysResult {
    let mode = mode as u32 & !call.process.files().umask();
    about_path(call, at.itself(), Request::MakeDirectory { mode })?.number()
}

/// mknod(2): regular files only.
pub fn mknod(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    make_file(call, At::here(&path), call.args[1])
}

/// mknodat(2): regular files only.
pub fn mknodat(call: &mut Call) -> SysResult {
    let path = path(call, 1)?;
    make_file(call, At::from(call.int(0), &path), call.args[2])
}

fn make_file(call: &Call, at: At, mode: u64) -> SysResult {
    let mode = mode as u32;
    if !matches!(mode & S_IFMT, 0 | S_IFREG) {
        return Err(Errno::EPERM.into());
    }
    let mode = mode & !call.process.files().umask();
    about_path(call, at.itself(), Request::MakeFile { mode })?.number()
}

/// unlink(2).
pub fn unlink(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    about_path(call, At::here(&path).itself(), Request::RemoveFile)?.number()
}

/// rmdir(2).
pub fn rmdir(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    about_path(call, At::here(&path).itself(), Request::RemoveDirectory)?.number()
}

/// unlinkat(2).
pub fn unlinkat(call: &mut Call) -> SysResult {
    let request = match call.args[2] {
        0 => Request::RemoveFile,
        AT_REMOVEDIR => Request::RemoveDirectory,
        _ => return Err(Errno::EINVAL.into()),
    };
    let path = path(call, 1)?;
    about_path(call, At::from(call.int(0), &path).itself(), request)?.number()
}

/// rename(2).
pub fn rename(call: &mut Call) -> SysResult {
    let (from, to) = (path(call, 0)?, path(call, 1)?);
    move_name(call, At::here(&from), At::here(&to), 0)
}

/// renameat(2).
pub fn renameat(call: &mut Call) -> SysResult {
    let (from, to) = (path(call, 1)?, path(call, 3)?);
    let (from, to) = (At::from(call.int(0), &from), At::from(call.int(2), &to));
    move_name(call, from, to, 0)
}

/// renameat2(2): RENAME_EXCHANGE and RENAME_WHITEOUT are EINVAL, as on file systems without them.
pub fn renameat2(call: &mut Call) -> SysResult {
    let (from, to) = (path(call, 1)?, path(call, 3)?);
    let (from, to) = (At::from(call.int(0), &from), At::from(call.int(2), &to));
    move_name(call, from, to, call.args[4])
}

fn move_name(call: &Call, from: At, to: At, flags: u64) -> SysResult {
    const NOREPLACE: u64 = 1;
    if flags & !NOREPLACE != 0 {
        return Err(Errno::EINVAL.into());
    }
    let keep = flags & NOREPLACE != 0;
    let who = call.process.credentials.lock().identity();
    let from = resolve(call, who, from.itself())?;
    let to = resolve(call, who, to.itself())?;
    match pair(call, (from, false), (to, false), |from, to| Ask::Rename {
        from,
        to,
        keep,
    })? {
        Pair::Here(from, to) => Ok(entries::rename(&who, from, to, keep)?),
        Pair::Done(number) => Ok(number),
        // Other file systems are other file systems, whatever the names.
        Pair::Apart { .. } => Err(Errno::EXDEV.into()),
    }
}

/// link(2).
pub fn link(call: &mut Call) -> SysResult {
    let (from, to) = (path(call, 0)?, path(call, 1)?);
    add_name(call, At::here(&from), At::here(&to), 0)
}

/// linkat(2).
pub fn linkat(call: &mut Call) -> SysResult {
    let (from, to) = (path(call, 1)?, path(call, 3)?);
    let flags = call.args[4];
    if flags & !(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let (from, to) = (At::from(call.int(0), &from), At::from(call.int(2), &to));
    add_name(call, from, to, flags)
}

fn add_name(call: &Call, from: At, to: At, flags: u64) -> SysResult {
    let follow = flags & AT_SYMLINK_FOLLOW != 0;
    let who = call.process.credentials.lock().identity();
    let source = if from.path.is_empty() && flags & AT_EMPTY_PATH != 0 {
        let file = call.process.files().get(from.directory)?;
        let (at, rest, links) = (file.place().ok_or(Errno::EXDEV)?, Vec::new(), 0);
        walk::go_on(&World::own(who), Leaving { at, rest, links }, follow)?
    } else {
        resolve(call, who, At { follow, ..from })?
    };
    let target = resolve(call, who, to.itself())?;
    match pair(call, (source, follow), (target, false), |from, to| {
        Ask::Link { from, to }
    })? {
        Pair::Here(from, to) => Ok(entries::link(&who, from, to)?),
        Pair::Done(number) => Ok(number),
        Pair::Apart { from: false, .. } => Err(Errno::ENOENT.into()),
        Pair::Apart { to: true, .. } => Err(Errno::EEXIST.into()),
        Pair::Apart { .. } => Err(Errno::EXDEV.into()),
    }
}

/// symlink(2).
pub fn symlink(call: &mut Call) -> SysResult {
    let (text, name) = (read_c_string(call.size(0), PATH_MAX)?, path(call, 1)?);
    add_link(call, text, At::here(&name))
}

/// symlinkat(2).
pub fn symlinkat(call: &mut Call) -> SysResult {
    let (text, name) = (read_c_string(call.size(0), PATH_MAX)?, path(call, 2)?);
    add_link(call, text, At::from(call.int(1), &name))
}

fn add_link(call: &Call, text: Vec<u8>, at: At) -> SysResult {
    if text.is_empty() {
        return Err(Errno::ENOENT.into());
    }
    about_path(call, at.itself(), Request::MakeLink { text })?.number()
}
