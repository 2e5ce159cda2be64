//! Attributes: stat and its kin, access, chmod, chown, utimensat, statfs.

use super::super::local::local;
use super::super::machine;
use super::super::tree::{Mount, Node};
use super::{
    AT_EMPTY_PATH, AT_FDCWD, AT_NO_AUTOMOUNT, AT_SYMLINK_NOFOLLOW, file, find, names, path,
};
use crate::mem::user::{read_value, write_value};
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use braid_files::archive::{S_IFDIR, S_IFLNK, S_IFMT, S_IFREG};
use braid_files::stat::{Stat, Time};

/// stat(2).
pub fn stat(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    let stat = find(call, AT_FDCWD, &path, true)?.stat();
    put(call.size(1), &stat)
}

/// lstat(2).
pub fn lstat(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    let stat = find(call, AT_FDCWD, &path, false)?.stat();
    put(call.size(1), &stat)
}

/// fstat(2).
pub fn fstat(call: &mut Call) -> SysResult {
    let stat = file(call)?.stat();
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
    if flags & AT_EMPTY_PATH != 0 && call.int(0) != AT_FDCWD && is_empty(call, 1)? {
        return Ok(file(call)?.stat());
    }
    Ok(at(call, flags)?.stat())
}

fn is_empty(call: &Call, index: usize) -> Result<bool, Stop> {
    Ok(call.args[index] == 0 || read_value::<u8>(call.size(index))? == 0)
}

/// The node that directory descriptor and path (arguments 0 and 1) name.
fn at(call: &Call, flags: u64) -> Result<Node, Stop> {
    if flags & AT_EMPTY_PATH != 0 && is_empty(call, 1)? {
        return Ok(match call.int(0) {
            AT_FDCWD => call.process.files.directory(),
            fd => call.process.files.get(fd)?.node().ok_or(Errno::EINVAL)?,
        });
    }
    let path = path(call, 1)?;
    Ok(find(
        call,
        call.int(0),
        &path,
        flags & AT_SYMLINK_NOFOLLOW == 0,
    )?)
}

/// access(2).
pub fn access(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    let node = find(call, AT_FDCWD, &path, true)?;
    may(&node, call.args[1])
}

/// faccessat(2).
pub fn faccessat(call: &mut Call) -> SysResult {
    let path = path(call, 1)?;
    let node = find(call, call.int(0), &path, true)?;
    may(&node, call.args[2])
}

/// faccessat2(2).
pub fn faccessat2(call: &mut Call) -> SysResult {
    const AT_EACCESS: u64 = 0x200;
    let node = at(call, call.args[3] & !AT_EACCESS)?;
    may(&node, call.args[2])
}

/// Whether the superuser may do this: execute what nobody may execute is EACCES, write to a read-only file system EROFS.
fn may(node: &Node, mode: u64) -> SysResult {
    const EXECUTE: u64 = 1;
    const WRITE: u64 = 2;
    if mode & !7 != 0 {
        return Err(Errno::EINVAL.into());
    }
    let stat = node.stat();
    let kind = stat.mode & S_IFMT;
    if mode & EXECUTE != 0 && kind != S_IFDIR && stat.mode & 0o111 == 0 {
        return Err(Errno::EACCES.into());
    }
    if mode & WRITE != 0
        && node.mount() == Mount::Archive
        && matches!(kind, S_IFREG | S_IFDIR | S_IFLNK)
    {
        return Err(Errno::EROFS.into());
    }
    Ok(0)
}

/// Changes attributes of a node: EROFS outside `/tmp`.
fn change(node: &Node, change: impl FnOnce(&mut braid_files::tmp::Attributes)) -> SysResult {
    match node {
        Node::Tmp(node) => {
            node.change(|attributes| {
                change(attributes);
                attributes.ctime = machine::wall();
            });
            Ok(0)
        }
        Node::Archive(_) => Err(Errno::EROFS.into()),
        _ => Err(Errno::EPERM.into()),
    }
}

/// The node of the descriptor in argument 0.
fn node_of_file(call: &Call) -> Result<Node, Errno> {
    file(call)?.node().ok_or(Errno::EINVAL)
}

/// chmod(2).
pub fn chmod(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    let mode = call.args[1] as u32;
    change(&find(call, AT_FDCWD, &path, true)?, |attributes| {
        attributes.mode = mode & 0o7777
    })
}

/// fchmod(2).
pub fn fchmod(call: &mut Call) -> SysResult {
    let mode = call.args[1] as u32;
    change(&node_of_file(call)?, |attributes| {
        attributes.mode = mode & 0o7777
    })
}

/// fchmodat(2).
pub fn fchmodat(call: &mut Call) -> SysResult {
    let path = path(call, 1)?;
    let mode = call.args[2] as u32;
    change(&find(call, call.int(0), &path, true)?, |attributes| {
        attributes.mode = mode & 0o7777
    })
}

fn own(node: &Node, uid: u64, gid: u64) -> SysResult {
    const KEEP: u32 = u32::MAX;
    change(node, |attributes| {
        if uid as u32 != KEEP {
            attributes.uid = uid as u32;
        }
        if gid as u32 != KEEP {
            attributes.gid = gid as u32;
        }
    })
}

/// chown(2).
pub fn chown(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    own(
        &find(call, AT_FDCWD, &path, true)?,
        call.args[1],
        call.args[2],
    )
}

/// lchown(2).
pub fn lchown(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    own(
        &find(call, AT_FDCWD, &path, false)?,
        call.args[1],
        call.args[2],
    )
}

/// fchown(2).
pub fn fchown(call: &mut Call) -> SysResult {
    own(&node_of_file(call)?, call.args[1], call.args[2])
}

/// fchownat(2).
pub fn fchownat(call: &mut Call) -> SysResult {
    let node = at(call, call.args[4])?;
    own(&node, call.args[2], call.args[3])
}

/// utimensat(2).
pub fn utimensat(call: &mut Call) -> SysResult {
    const NOW: u64 = 0x3fff_ffff;
    const OMIT: u64 = 0x3fff_fffe;
    let now = machine::wall();
    let mut times = [Some(now); 2];
    if call.args[2] != 0 {
        let given: [u64; 4] = read_value(call.size(2))?;
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
    let node = if call.args[1] == 0 {
        node_of_file(call)?
    } else {
        at(call, call.args[3])?
    };
    change(&node, |attributes| {
        attributes.atime = times[0].unwrap_or(attributes.atime);
        attributes.mtime = times[1].unwrap_or(attributes.mtime);
    })
}

/// statfs(2).
pub fn statfs(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    let mount = find(call, AT_FDCWD, &path, true)?.mount();
    put_statfs(call.size(1), mount)
}

/// fstatfs(2).
pub fn fstatfs(call: &mut Call) -> SysResult {
    let mount = file(call)?.node().map_or(Mount::Pipe, |node| node.mount());
    put_statfs(call.size(1), mount)
}

/// `struct statfs`: type, block size, blocks, free, available, files, free files, id, name length, fragment size, flags, spare.
fn put_statfs(address: usize, mount: Mount) -> SysResult {
    const RDONLY: u64 = 1;
    const NAME_MAX: u64 = braid_files::walk::NAME_MAX as u64;
    let (total, free) = match mount {
        Mount::Tmp => (local().frames, machine::available_frames()),
        _ => (0, 0),
    };
    let flags = if mount == Mount::Archive { RDONLY } else { 0 };
    let value = [
        names::magic(mount),
        4096,
        total,
        free,
        free,
        0,
        0,
        mount as u64,
        NAME_MAX,
        4096,
        flags,
        0,
        0,
        0,
        0,
    ];
    write_value(address, value)?;
    Ok(0)
}
