//! Making, moving and removing names.

use super::super::content::Content;
use super::super::local::{TmpNode, tmp};
use super::super::machine;
use super::super::tree::Node;
use super::opening::attributes;
use crate::mem;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::archive::{S_IFDIR, S_IFLNK};
use braid_files::tmp::Content as Kind;
use braid_files::walk::{Ending, Target};

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

pub(super) fn make_directory(target: Target<Node>, mode: u32) -> Result<usize, Errno> {
    let (parent, name) = vacant(target, true)?;
    let attributes = attributes(mode & 0o1777 | S_IFDIR);
    tmp().create(&parent, &name, attributes, Kind::Directory)?;
    Ok(0)
}

pub(super) fn make_file(target: Target<Node>, mode: u32) -> Result<usize, Errno> {
    let (parent, name) = vacant(target, false)?;
    let content = Kind::File(Content::new()?);
    tmp().create(&parent, &name, attributes(mode & 0o7777), content)?;
    Ok(0)
}

pub(super) fn make_link(target: Target<Node>, text: Vec<u8>) -> Result<usize, Errno> {
    let (parent, name) = vacant(target, false)?;
    let attributes = attributes(S_IFLNK | 0o777);
    tmp().create(&parent, &name, attributes, Kind::Link(text))?;
    Ok(0)
}

pub(super) fn remove_file(target: Target<Node>) -> Result<usize, Errno> {
    let slash = target.slash;
    let (parent, name) = present(target, Errno::EISDIR)?;
    if slash {
        return Err(Errno::EISDIR);
    }
    tmp().unlink(&parent, &name, machine::wall())?;
    Ok(0)
}

pub(super) fn remove_directory(target: Target<Node>) -> Result<usize, Errno> {
    let unnamed = match target.ending {
        Ending::DotDot => Errno::ENOTEMPTY,
        Ending::Dot => Errno::EINVAL,
        Ending::Name | Ending::Nothing => Errno::EBUSY,
    };
    let (parent, name) = present(target, unnamed)?;
    tmp().rmdir(&parent, &name, machine::wall())?;
    Ok(0)
}

/// rename(2). An existing target is replaced unless `keep`.
pub fn rename(source: Target<Node>, target: Target<Node>, keep: bool) -> Result<usize, Errno> {
    if source.directory.mount() != target.directory.mount() {
        return Err(Errno::EXDEV);
    }
    let is_directory = source.node.as_ref().is_some_and(Node::is_directory);
    if target.slash && !is_directory && !target.name.is_empty() {
        return Err(Errno::ENOTDIR);
    }
    let (from_parent, from_name) = present(source, Errno::EBUSY)?;
    if target.name.is_empty() {
        return Err(Errno::EBUSY);
    }
    let Node::Tmp(to_parent) = &target.directory else {
        return Err(Errno::EROFS);
    };
    mem::room(4 * target.name.len() + 1024)?;
    let (from, to) = ((&from_parent, &*from_name), (to_parent, &*target.name));
    tmp().rename(from, to, keep, machine::wall())?;
    Ok(0)
}

/// link(2).
pub fn link(source: Target<Node>, target: Target<Node>) -> Result<usize, Errno> {
    let source = source.existing()?;
    if target.node.is_some() {
        return Err(Errno::EEXIST);
    }
    if source.mount() != target.directory.mount() {
        return Err(Errno::EXDEV);
    }
    let (parent, name) = vacant(target, false)?;
    let Node::Tmp(source) = source else {
        return Err(Errno::EROFS);
    };
    tmp().link(&parent, &name, &source, machine::wall())?;
    Ok(0)
}
