//! The one place that decides what a process may do with a file (path_resolution(7), inode(7)). Nothing here knows a file system.

use crate::archive::{S_IFDIR, S_IFMT, S_IFREG};
use crate::credentials::Identity;
use crate::error::FileError;
use crate::stat::Stat;
use crate::tmp::Attributes;
use bitflags::bitflags;

/// The program runs as the file's owner (S_ISUID).
pub const SET_USER: u32 = 0o4000;
/// The program runs in the file's group; new files of the directory are in its group (S_ISGID).
pub const SET_GROUP: u32 = 0o2000;
/// Of a directory: names go only with their file's or the directory's owner (S_ISVTX).
pub const STICKY: u32 = 0o1000;
const GROUP_EXECUTE: u32 = 0o010;
const ANY_EXECUTE: u32 = 0o111;

bitflags! {
    /// What somebody wants of a file, by the numbers of access(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Access: u32 {
        /// Read it, or list a directory.
        const READ = 4;
        /// Write it, or change a directory's names.
        const WRITE = 2;
        /// Execute it, or look for names in a directory.
        const EXECUTE = 1;
    }
}

/// What of a file's attributes says who may use it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// Type and permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl From<&Stat> for Guard {
    fn from(stat: &Stat) -> Self {
        let Stat { mode, uid, gid, .. } = *stat;
        Self { mode, uid, gid }
    }
}

impl From<&Attributes> for Guard {
    fn from(attributes: &Attributes) -> Self {
        let Attributes { mode, uid, gid, .. } = *attributes;
        Self { mode, uid, gid }
    }
}

impl Guard {
    /// Whether it is a directory's.
    pub const fn is_directory(&self) -> bool {
        self.mode & S_IFMT == S_IFDIR
    }
}

/// Whether somebody may use a file so. The first of owner, group and others that fits decides, also against him; the superuser
/// may all but execute what nobody may.
pub fn may(who: &Identity, file: Guard, access: Access) -> bool {
    if who.is_privileged() {
        let executable = file.is_directory() || file.mode & ANY_EXECUTE != 0;
        return executable || !access.contains(Access::EXECUTE);
    }
    let class = if who.user == file.uid {
        6
    } else if who.is_in(file.gid) {
        3
    } else {
        0
    };
    Access::from_bits_truncate(file.mode >> class).contains(access)
}

/// As [`may`].
///
/// # Errors
/// [`FileError::Denied`].
pub fn check(who: &Identity, file: Guard, access: Access) -> Result<(), FileError> {
    if may(who, file, access) {
        Ok(())
    } else {
        Err(FileError::Denied)
    }
}

/// Whether somebody may do what is the owner's.
pub const fn owns(who: &Identity, file: Guard) -> bool {
    who.is_privileged() || who.user == file.uid
}

/// As [`owns`].
///
/// # Errors
/// [`FileError::NotPermitted`].
pub const fn check_owner(who: &Identity, file: Guard) -> Result<(), FileError> {
    if owns(who, file) {
        Ok(())
    } else {
        Err(FileError::NotPermitted)
    }
}

/// Whether somebody may make a name in a directory.
///
/// # Errors
/// [`FileError::Denied`].
pub fn check_add(who: &Identity, directory: Guard) -> Result<(), FileError> {
    check(who, directory, Access::WRITE | Access::EXECUTE)
}

/// Whether somebody may take the name of a file out of a directory.
///
/// # Errors
/// [`FileError::Denied`], and [`FileError::NotPermitted`] where the directory is sticky.
pub fn check_remove(who: &Identity, directory: Guard, file: Guard) -> Result<(), FileError> {
    check_add(who, directory)?;
    let held = directory.mode & STICKY != 0 && who.user != directory.uid && !owns(who, file);
    if held {
        Err(FileError::NotPermitted)
    } else {
        Ok(())
    }
}

/// Whether somebody may follow a symbolic link that a path ends in (fs.protected_symlinks of proc(5)): in a sticky directory that all may write
/// to only his own, and those of the directory's owner. User 0 too would be led astray by others.
pub const fn may_follow(who: &Identity, directory: Guard, link: Guard) -> bool {
    const FOR_ALL: u32 = STICKY | 0o002;
    directory.mode & FOR_ALL != FOR_ALL || link.uid == who.user || link.uid == directory.uid
}

/// Whether somebody may give a file another name (fs.protected_hardlinks of proc(5)): his own, or a regular one that he may read and write,
/// and that gives nobody rights who executes it.
///
/// # Errors
/// [`FileError::NotPermitted`].
pub fn check_link(who: &Identity, file: Guard) -> Result<(), FileError> {
    const SETS_GROUP: u32 = SET_GROUP | GROUP_EXECUTE;
    let is_harmless = file.mode & S_IFMT == S_IFREG
        && file.mode & SET_USER == 0
        && file.mode & SETS_GROUP != SETS_GROUP
        && may(who, file, Access::READ | Access::WRITE);
    if owns(who, file) || is_harmless {
        Ok(())
    } else {
        Err(FileError::NotPermitted)
    }
}

/// Mode, owner and group of something that somebody makes in a directory; `mode` with its type.
pub fn of_new(who: &Identity, directory: Guard, mode: u32) -> Guard {
    let mut new = Guard {
        mode,
        uid: who.user,
        gid: who.group,
    };
    if directory.mode & SET_GROUP != 0 {
        new.gid = directory.gid;
        if new.is_directory() {
            new.mode |= SET_GROUP;
        } else if new.mode & GROUP_EXECUTE != 0 && !in_group(who, new.gid) {
            new.mode &= !SET_GROUP;
        }
    }
    new
}

fn in_group(who: &Identity, group: u32) -> bool {
    who.is_privileged() || who.is_in(group)
}

/// The mode that chmod(2) leaves.
///
/// # Errors
/// [`FileError::NotPermitted`].
pub fn change_mode(who: &Identity, file: Guard, mode: u32) -> Result<u32, FileError> {
    check_owner(who, file)?;
    let mode = if in_group(who, file.gid) {
        mode
    } else {
        mode & !SET_GROUP
    };
    Ok(file.mode & S_IFMT | mode & 0o7777)
}

/// Mode, owner and group that chown(2) leaves.
///
/// # Errors
/// [`FileError::NotPermitted`].
pub fn change_owner(
    who: &Identity,
    file: Guard,
    uid: Option<u32>,
    gid: Option<u32>,
) -> Result<Guard, FileError> {
    let own = who.user == file.uid;
    let may_user = uid.is_none_or(|uid| own && uid == file.uid);
    let may_group = gid.is_none_or(|gid| own && (who.is_in(gid) || gid == file.gid));
    if !(who.is_privileged() || may_user && may_group) {
        return Err(FileError::NotPermitted);
    }
    let mut mode = file.mode;
    if !file.is_directory() {
        mode &= !SET_USER;
        if mode & GROUP_EXECUTE != 0 || !in_group(who, file.gid) {
            mode &= !SET_GROUP;
        }
    }
    if mode != file.mode {
        // Also who changes nothing else.
        check_owner(who, file)?;
    }
    Ok(Guard {
        mode,
        uid: uid.unwrap_or(file.uid),
        gid: gid.unwrap_or(file.gid),
    })
}

/// The mode that a file keeps when somebody writes to it: what he could make of it would otherwise run as its owner.
pub fn mode_after_write(who: &Identity, file: Guard) -> u32 {
    if who.is_privileged() {
        return file.mode;
    }
    let mode = file.mode & !SET_USER;
    if mode & GROUP_EXECUTE != 0 || !in_group(who, file.gid) {
        mode & !SET_GROUP
    } else {
        mode
    }
}

/// Whether somebody may set the times of a file: to the present also who may write it.
///
/// # Errors
/// [`FileError::NotPermitted`], and [`FileError::Denied`] for the present.
pub fn check_times(who: &Identity, file: Guard, to_now: bool) -> Result<(), FileError> {
    if owns(who, file) {
        Ok(())
    } else if to_now {
        check(who, file, Access::WRITE)
    } else {
        Err(FileError::NotPermitted)
    }
}

#[cfg(test)]
mod tests;
