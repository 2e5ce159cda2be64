//! Attributes of files: stat, access, mode, owner, times, and those of file systems.

use super::super::local::local;
use super::super::machine;
use super::super::tree::{Mount, Node};
use super::{Subject, bytes};
use crate::syscall::errno::Errno;
use alloc::vec::Vec;
use braid_files::archive::{S_IFDIR, S_IFLNK, S_IFMT, S_IFREG};
use braid_files::stat::{Stat, Time};
use braid_files::tmp::Attributes;

pub(super) fn stat(subject: &Subject) -> Result<Stat, Errno> {
    match subject {
        Subject::File(file) => Ok(file.stat()),
        Subject::Target(_) => Ok(subject.node(Errno::ENOENT)?.stat()),
    }
}

/// Whether the superuser may do this: execute what nobody may execute is EACCES, write to a read-only file system EROFS.
pub(super) fn access(subject: &Subject, mode: u32) -> Result<usize, Errno> {
    const EXECUTE: u32 = 1;
    const WRITE: u32 = 2;
    let node = subject.node(Errno::EINVAL)?;
    if mode & !7 != 0 {
        return Err(Errno::EINVAL);
    }
    let stat = node.stat();
    let kind = stat.mode & S_IFMT;
    if mode & EXECUTE != 0 && kind != S_IFDIR && stat.mode & 0o111 == 0 {
        return Err(Errno::EACCES);
    }
    if mode & WRITE != 0
        && node.mount() == Mount::Archive
        && matches!(kind, S_IFREG | S_IFDIR | S_IFLNK)
    {
        return Err(Errno::EROFS);
    }
    Ok(0)
}

/// Changes attributes: EROFS in the boot archive, EPERM for what is not a file.
fn change(subject: &Subject, change: impl FnOnce(&mut Attributes)) -> Result<usize, Errno> {
    match subject.node(Errno::EINVAL)? {
        Node::Tmp(node) => {
            node.change(|attributes| {
                change(attributes);
                attributes.ctime = machine::wall();
            });
            Ok(0)
        }
        Node::Archive(_) => Err(Errno::EROFS),
        _ => Err(Errno::EPERM),
    }
}

pub(super) fn set_mode(subject: &Subject, mode: u32) -> Result<usize, Errno> {
    change(subject, |attributes| attributes.mode = mode & 0o7777)
}

pub(super) fn set_owner(
    subject: &Subject,
    uid: Option<u32>,
    gid: Option<u32>,
) -> Result<usize, Errno> {
    change(subject, |attributes| {
        attributes.uid = uid.unwrap_or(attributes.uid);
        attributes.gid = gid.unwrap_or(attributes.gid);
    })
}

pub(super) fn set_times(
    subject: &Subject,
    atime: Option<Time>,
    mtime: Option<Time>,
) -> Result<usize, Errno> {
    change(subject, |attributes| {
        attributes.atime = atime.unwrap_or(attributes.atime);
        attributes.mtime = mtime.unwrap_or(attributes.mtime);
    })
}

/// `struct statfs`: type, block size, blocks, free, available, files, free files, id, name length, fragment size, flags, spare.
pub(super) fn stat_fs(subject: &Subject) -> Result<Vec<u8>, Errno> {
    const RDONLY: u64 = 1;
    const NAME_MAX: u64 = braid_files::walk::NAME_MAX as u64;
    let mount = match subject {
        Subject::File(file) => file.node().map_or(Mount::Pipe, |node| node.mount()),
        Subject::Target(_) => subject.node(Errno::ENOENT)?.mount(),
    };
    let (total, free) = match mount {
        Mount::Tmp => (local().frames, machine::available_frames()),
        _ => (0, 0),
    };
    let flags = if mount == Mount::Archive { RDONLY } else { 0 };
    let words: [u64; 15] = [
        magic(mount),
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
    bytes(words.map(u64::to_le_bytes).as_flattened())
}

/// The type number of a file system (statfs(2)).
fn magic(mount: Mount) -> u64 {
    match mount {
        Mount::Archive => 0x8584_58f6,
        Mount::Tmp | Mount::Dev => 0x0102_1994,
        Mount::Proc => 0x9fa0,
        Mount::Pipe => 0x5049_5045,
    }
}
