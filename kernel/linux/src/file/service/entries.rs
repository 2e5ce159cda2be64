//! Making, moving and removing names.

use super::super::content::Content;
use super::super::content::TmpNode;
use super::super::facts;
use super::super::local::{growing, tree_of};
use super::super::memory::new_attributes;
use super::super::tree::Node;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::credentials::Identity;
use braid_files::permission;
use braid_files::tmp::Content as Kind;
use braid_files::walk::{Ending, Target};
use machine::cpu;

/// A directory whose names can change, and a name in it.
type Name = (Arc<TmpNode>, Vec<u8>);

/// The directory of a name that changes, for somebody who may change its names: who may not has nothing made of it. EROFS where names
/// never change.
fn directory(who: &Identity, node: &Node, other: Errno) -> Result<Arc<TmpNode>, Errno> {
    // Each search among many names that are long and alike takes a quarter of what may be done at once.
    cpu::let_interrupts_in();
    if let Node::Archive(_) | Node::Tmp(_) = node {
        permission::check_add(who, node.guard())?;
    }
    match node.clone().raised()? {
        Node::Tmp(directory) => Ok(directory),
        Node::Proc(_) => Err(other),
        _ => Err(Errno::EROFS),
    }
}

/// Where a new name goes: EEXIST when it is there already.
fn vacant(who: &Identity, target: Target<Node>, is_directory: bool) -> Result<Name, Errno> {
    if target.node.is_some() {
        return Err(Errno::EEXIST);
    }
    if target.slash && !is_directory {
        return Err(Errno::ENOENT);
    }
    let parent = directory(who, &target.directory, Errno::ENOENT)?;
    Ok((parent, target.name))
}

/// The place of a name that is to be removed or renamed. ENOENT when there is no such name, EBUSY for mount points, `unnamed` for `.` and `..`.
fn present(who: &Identity, target: Target<Node>, unnamed: Errno) -> Result<Name, Errno> {
    let node = target.node.ok_or(Errno::ENOENT)?;
    if target.name.is_empty() {
        return Err(unnamed);
    }
    if target.directory.mount() != node.mount() {
        return Err(Errno::EBUSY);
    }
    let parent = directory(who, &target.directory, Errno::EPERM)?;
    Ok((parent, target.name))
}

fn make(who: &Identity, name: &Name, mode: u32, content: Kind<Content>) -> Result<usize, Errno> {
    let (parent, name) = name;
    let attributes = new_attributes(who, mode);
    growing(parent)?.create(who, (parent, name), attributes, content)?;
    Ok(0)
}

pub(super) fn make_directory(
    who: &Identity,
    target: Target<Node>,
    mode: u32,
) -> Result<usize, Errno> {
    let name = vacant(who, target, true)?;
    make(who, &name, mode & 0o1777, Kind::Directory)
}

pub(super) fn make_file(who: &Identity, target: Target<Node>, mode: u32) -> Result<usize, Errno> {
    let name = vacant(who, target, false)?;
    let content = Kind::File(Content::new()?);
    make(who, &name, mode & 0o7777, content)
}

pub(super) fn make_link(
    who: &Identity,
    target: Target<Node>,
    text: Vec<u8>,
) -> Result<usize, Errno> {
    let name = vacant(who, target, false)?;
    make(who, &name, 0o777, Kind::Link(text))
}

pub(super) fn remove_file(who: &Identity, target: Target<Node>) -> Result<usize, Errno> {
    if target.slash && target.node.is_some() {
        return Err(Errno::EISDIR);
    }
    let (parent, name) = present(who, target, Errno::EISDIR)?;
    tree_of(&parent).unlink(who, (&parent, &name), facts::wall())?;
    Ok(0)
}

pub(super) fn remove_directory(who: &Identity, target: Target<Node>) -> Result<usize, Errno> {
    let unnamed = match target.ending {
        Ending::DotDot => Errno::ENOTEMPTY,
        Ending::Dot => Errno::EINVAL,
        Ending::Name | Ending::Nothing => Errno::EBUSY,
    };
    let (parent, name) = present(who, target, unnamed)?;
    tree_of(&parent).rmdir(who, (&parent, &name), facts::wall())?;
    Ok(0)
}

/// rename(2). An existing target is replaced unless `keep`.
pub fn rename(
    who: &Identity,
    source: Target<Node>,
    target: Target<Node>,
    keep: bool,
) -> Result<usize, Errno> {
    if source.directory.mount() != target.directory.mount() {
        return Err(Errno::EXDEV);
    }
    let is_directory = source.node.as_ref().is_some_and(Node::is_directory);
    if target.slash && !is_directory && !target.name.is_empty() {
        return Err(Errno::ENOTDIR);
    }
    let (from_parent, from_name) = present(who, source, Errno::EBUSY)?;
    let covered = target
        .node
        .as_ref()
        .is_some_and(|node| node.mount() != target.directory.mount());
    if target.name.is_empty() || covered {
        return Err(Errno::EBUSY);
    }
    let to_parent = directory(who, &target.directory, Errno::EPERM)?;
    let (from, to) = ((&from_parent, &*from_name), (&to_parent, &*target.name));
    tree_of(&to_parent).rename(who, from, to, keep, facts::wall())?;
    Ok(0)
}

/// link(2).
pub fn link(who: &Identity, source: Target<Node>, target: Target<Node>) -> Result<usize, Errno> {
    let source = source.existing()?;
    if target.node.is_some() {
        return Err(Errno::EEXIST);
    }
    if source.mount() != target.directory.mount() {
        return Err(Errno::EXDEV);
    }
    permission::check_link(who, source.guard())?;
    let (parent, name) = vacant(who, target, false)?;
    let Node::Tmp(source) = source.raised()? else {
        return Err(Errno::EPERM);
    };
    growing(&parent)?.link(who, (&parent, &name), &source, facts::wall())?;
    Ok(0)
}
