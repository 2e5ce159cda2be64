//! Attributes of files: stat, access, mode, owner, times, and those of file systems.

use super::super::boot::archive;
use super::super::facts;
use super::super::local;
use super::super::mount::Mount;
use super::super::tree::Node;
use super::subject::{Subject, bytes};
use crate::syscall::errno::Errno;
use alloc::vec::Vec;
use braid_files::credentials::Identity;
use braid_files::error::FileError;
use braid_files::permission::{self, Access, Guard};
use braid_files::stat::{Stat, Time};
use braid_files::tmp::{Attributes, attributes_below};

pub(super) fn stat(subject: &Subject) -> Result<Stat, Errno> {
    match subject {
        Subject::File(file) => Ok(file.stat()),
        Subject::Target(_) => Ok(subject.node(Errno::ENOENT)?.stat()),
    }
}

/// Whether somebody may do this.
pub(super) fn access(who: &Identity, subject: &Subject, mode: u32) -> Result<usize, Errno> {
    let wanted = Access::from_bits(mode).ok_or(Errno::EINVAL)?;
    permission::check(who, Guard::from(&stat(subject)?), wanted)?;
    Ok(0)
}

/// Changes attributes, if `change` permits it: EPERM for what is not a file.
fn change(
    subject: &Subject,
    change: impl Fn(&mut Attributes) -> Result<(), FileError>,
) -> Result<usize, Errno> {
    let node = subject.node(Errno::EINVAL)?;
    if let Node::Archive(id) = &node {
        // Nothing is made of it for somebody who may not change it.
        change(&mut attributes_below(archive().node(*id)))?;
    }
    match node.raised()? {
        Node::Tmp(node) => {
            node.try_change(|attributes| {
                change(attributes)?;
                attributes.ctime = facts::wall();
                Ok(())
            })?;
            Ok(0)
        }
        _ => Err(Errno::EPERM),
    }
}

pub(super) fn set_mode(who: &Identity, subject: &Subject, mode: u32) -> Result<usize, Errno> {
    change(subject, |attributes| {
        attributes.mode = permission::change_mode(who, Guard::from(&*attributes), mode)?;
        Ok(())
    })
}

pub(super) fn set_owner(
    who: &Identity,
    subject: &Subject,
    uid: Option<u32>,
    gid: Option<u32>,
) -> Result<usize, Errno> {
    change(subject, |attributes| {
        let new = permission::change_owner(who, Guard::from(&*attributes), uid, gid)?;
        (attributes.mode, attributes.uid, attributes.gid) = (new.mode, new.uid, new.gid);
        Ok(())
    })
}

/// utimensat(2), with one time or both; `to_now` says that both are the present.
pub(super) fn set_times(
    who: &Identity,
    subject: &Subject,
    (atime, mtime): (Option<Time>, Option<Time>),
    to_now: bool,
) -> Result<usize, Errno> {
    if atime.is_none() && mtime.is_none() {
        return Ok(0);
    }
    change(subject, |attributes| {
        permission::check_times(who, Guard::from(&*attributes), to_now)?;
        attributes.atime = atime.unwrap_or(attributes.atime);
        attributes.mtime = mtime.unwrap_or(attributes.mtime);
        Ok(())
    })
}

/// `struct statfs`: type, block size, blocks, free, available, files, free files, id, name length, fragment size, flags, spare.
pub(super) fn stat_fs(subject: &Subject) -> Result<Vec<u8>, Errno> {
    const NAME_MAX: u64 = braid_files::walk::NAME_MAX as u64;
    let mount = match subject {
        Subject::File(file) => file.node().map_or(Mount::Pipe, |node| node.mount()),
        Subject::Target(_) => subject.node(Errno::ENOENT)?.mount(),
    };
    let (total, free) = match mount {
        Mount::Tmp | Mount::Archive => local::room(),
        _ => (0, 0),
    };
    let files = if total > 0 { total } else { 0 };
    let words: [u64; 15] = [
        magic(mount),
        4096,
        total,
        free,
        free,
        files,
        files.min(free),
        mount as u64,
        NAME_MAX,
        4096,
        0,
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
