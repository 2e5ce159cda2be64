//! Making, moving and removing names: mkdir, unlink, rename, link, symlink, mknod and their kin.

use super::super::content::Content;
use super::super::local::{TmpNode, tmp};
use super::super::machine;
use super::super::tree::{Mount, Node};
use super::opening::attributes;
use super::{AT_EMPTY_PATH, AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_FOLLOW, path, resolve};
use crate::mem;
use crate::mem::user::read_c_string;
use crate::syscall::call::{Call, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::archive::{S_IFDIR, S_IFLNK, S_IFMT, S_IFREG};
use braid_files::tmp::Content as Kind;
use braid_files::walk::{PATH_MAX, Target};

/// Where a new name goes: EEXIST when it is there already, EROFS outside `/tmp`.
fn vacant(target: Target<Node>, directory: bool) -> Result<(Arc<TmpNode>, Vec<u8>), Errno> {
    if target.node.is_some() {
        return Err(Errno::EEXIST);
    }
    if target.slash && !directory {
        return Err(Errno::ENOENT);
    }
    mem::room(size_of::<TmpNode>() + 4 * target.name.len() + 1024)?;
    match target.directory {
        Node::Tmp(parent) => Ok((parent, target.name)),
        Node::Proc(_) => Err(Errno::ENOENT),
        _ => Err(Errno::EROFS),
    }
}

/// Where a name is that goes: ENOENT when it is not there, EROFS outside `/tmp`, `unnamed` for `.`, `..` and mount points.
fn present(target: Target<Node>, unnamed: Errno) -> Result<(Arc<TmpNode>, Vec<u8>), Errno> {
    let node = target.node.ok_or(Errno::ENOENT)?;
    if target.name.is_empty() {
        return Err(unnamed);
    }
    match target.directory {
        Node::Tmp(parent) => Ok((parent, target.name)),
        parent if parent.mount() != node.mount() => Err(Errno::EBUSY),
        Node::Proc(_) => Err(Errno::EPERM),
        _ => Err(Errno::EROFS),
    }
}

/// mkdir(2).
pub fn mkdir(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    let mode = call.args[1] as u32;
    make_directory(call, AT_FDCWD, &path, mode)
}

/// mkdirat(2).
pub fn mkdirat(call: &mut Call) -> SysResult {
    let path = path(call, 1)?;
    let mode = call.args[2] as u32;
    make_directory(call, call.int(0), &path, mode)
}

fn make_directory(call: &Call, directory: i32, path: &[u8], mode: u32) -> SysResult {
    let (parent, name) = vacant(resolve(call, directory, path, false)?, true)?;
    let mode = mode & 0o1777 & !call.process.files.umask() | S_IFDIR;
    tmp().create(&parent, &name, attributes(mode), Kind::Directory)?;
    Ok(0)
}

/// mknod(2): regular files only.
pub fn mknod(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    let mode = call.args[1] as u32;
    make_node(call, AT_FDCWD, &path, mode)
}

/// mknodat(2): regular files only.
pub fn mknodat(call: &mut Call) -> SysResult {
    let path = path(call, 1)?;
    let mode = call.args[2] as u32;
    make_node(call, call.int(0), &path, mode)
}

fn make_node(call: &Call, directory: i32, path: &[u8], mode: u32) -> SysResult {
    if !matches!(mode & S_IFMT, 0 | S_IFREG) {
        return Err(Errno::EPERM.into());
    }
    let (parent, name) = vacant(resolve(call, directory, path, false)?, false)?;
    let mode = mode & 0o7777 & !call.process.files.umask();
    tmp().create(
        &parent,
        &name,
        attributes(mode),
        Kind::File(Content::new()?),
    )?;
    Ok(0)
}

/// unlink(2).
pub fn unlink(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    remove(call, AT_FDCWD, &path, false)
}

/// rmdir(2).
pub fn rmdir(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    remove(call, AT_FDCWD, &path, true)
}

/// unlinkat(2).
pub fn unlinkat(call: &mut Call) -> SysResult {
    if call.args[2] & !AT_REMOVEDIR != 0 {
        return Err(Errno::EINVAL.into());
    }
    let path = path(call, 1)?;
    remove(call, call.int(0), &path, call.args[2] != 0)
}

fn remove(call: &Call, directory: i32, path: &[u8], is_directory: bool) -> SysResult {
    let target = resolve(call, directory, path, false)?;
    let slash = target.slash;
    let unnamed = match path.trim_ascii_end() {
        _ if !is_directory => Errno::EISDIR,
        path if path.ends_with(b"..") => Errno::ENOTEMPTY,
        path if path.ends_with(b".") => Errno::EINVAL,
        _ => Errno::EBUSY,
    };
    let (parent, name) = present(target, unnamed)?;
    if is_directory {
        tmp().rmdir(&parent, &name, machine::wall())?;
    } else if slash {
        return Err(Errno::EISDIR.into());
    } else {
        tmp().unlink(&parent, &name, machine::wall())?;
    }
    Ok(0)
}

/// rename(2).
pub fn rename(call: &mut Call) -> SysResult {
    let (from, to) = (path(call, 0)?, path(call, 1)?);
    move_name(call, (AT_FDCWD, &from), (AT_FDCWD, &to), 0)
}

/// renameat(2).
pub fn renameat(call: &mut Call) -> SysResult {
    let (from, to) = (path(call, 1)?, path(call, 3)?);
    move_name(call, (call.int(0), &from), (call.int(2), &to), 0)
}

/// renameat2(2): RENAME_EXCHANGE and RENAME_WHITEOUT are EINVAL, as on file systems without them.
pub fn renameat2(call: &mut Call) -> SysResult {
    let (from, to) = (path(call, 1)?, path(call, 3)?);
    move_name(call, (call.int(0), &from), (call.int(2), &to), call.args[4])
}

fn move_name(call: &Call, from: (i32, &[u8]), to: (i32, &[u8]), flags: u64) -> SysResult {
    const NOREPLACE: u64 = 1;
    if flags & !NOREPLACE != 0 {
        return Err(Errno::EINVAL.into());
    }
    let source = resolve(call, from.0, from.1, false)?;
    let target = resolve(call, to.0, to.1, false)?;
    if source.directory.mount() != target.directory.mount() {
        return Err(Errno::EXDEV.into());
    }
    let is_directory = source.node.as_ref().is_some_and(Node::is_directory);
    if target.slash && !is_directory && !target.name.is_empty() {
        return Err(Errno::ENOTDIR.into());
    }
    let (from_parent, from_name) = present(source, Errno::EBUSY)?;
    if target.name.is_empty() {
        return Err(Errno::EBUSY.into());
    }
    let Node::Tmp(to_parent) = &target.directory else {
        return Err(Errno::EROFS.into());
    };
    mem::room(4 * target.name.len() + 1024)?;
    let keep = flags & NOREPLACE != 0;
    tmp().rename(
        (&from_parent, &from_name),
        (to_parent, &target.name),
        keep,
        machine::wall(),
    )?;
    Ok(0)
}

/// link(2).
pub fn link(call: &mut Call) -> SysResult {
    let (from, to) = (path(call, 0)?, path(call, 1)?);
    add_name(call, (AT_FDCWD, &from), (AT_FDCWD, &to), 0)
}

/// linkat(2).
pub fn linkat(call: &mut Call) -> SysResult {
    let (from, to) = (path(call, 1)?, path(call, 3)?);
    let flags = call.args[4];
    if flags & !(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL.into());
    }
    add_name(call, (call.int(0), &from), (call.int(2), &to), flags)
}

fn add_name(call: &Call, from: (i32, &[u8]), to: (i32, &[u8]), flags: u64) -> SysResult {
    let source = if from.1.is_empty() && flags & AT_EMPTY_PATH != 0 {
        call.process.files.get(from.0)?.node().ok_or(Errno::EXDEV)?
    } else {
        resolve(call, from.0, from.1, flags & AT_SYMLINK_FOLLOW != 0)?.existing()?
    };
    let target = resolve(call, to.0, to.1, false)?;
    if target.node.is_some() {
        return Err(Errno::EEXIST.into());
    }
    if source.mount() != target.directory.mount() {
        return Err(Errno::EXDEV.into());
    }
    let (parent, name) = vacant(target, false)?;
    let Node::Tmp(source) = source else {
        return Err(Errno::EROFS.into());
    };
    tmp().link(&parent, &name, &source, machine::wall())?;
    Ok(0)
}

/// symlink(2).
pub fn symlink(call: &mut Call) -> SysResult {
    let (text, name) = (read_c_string(call.size(0), PATH_MAX)?, path(call, 1)?);
    add_link(call, text, AT_FDCWD, &name)
}

/// symlinkat(2).
pub fn symlinkat(call: &mut Call) -> SysResult {
    let (text, name) = (read_c_string(call.size(0), PATH_MAX)?, path(call, 2)?);
    add_link(call, text, call.int(1), &name)
}

fn add_link(call: &Call, text: Vec<u8>, directory: i32, path: &[u8]) -> SysResult {
    if text.is_empty() {
        return Err(Errno::ENOENT.into());
    }
    let (parent, name) = vacant(resolve(call, directory, path, false)?, false)?;
    tmp().create(
        &parent,
        &name,
        attributes(S_IFLNK | 0o777),
        Kind::Link(text),
    )?;
    Ok(0)
}

/// The file system a node is on, for statfs: its type number.
pub(super) fn magic(mount: Mount) -> u64 {
    match mount {
        Mount::Archive => 0x8584_58f6,
        Mount::Tmp | Mount::Dev => 0x0102_1994,
        Mount::Proc => 0x9fa0,
        Mount::Pipe => 0x5049_5045,
    }
}
