//! Opening: from a node to an open file.

use super::super::content::Content;
use super::super::device::Device;
use super::super::local::{TmpNode, tmp};
use super::super::machine;
use super::super::open::{Body, Flags, OpenFile};
use super::super::proc::Proc;
use super::super::transfer;
use super::super::tree::{Node, archive};
use super::super::tty;
use super::Subject;
use super::files::cut;
use crate::mem;
use crate::process::table;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use braid_files::archive::{Content as ArchiveContent, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG};
use braid_files::tmp::{self as tree, Attributes};
use braid_files::walk::Target;

/// Attributes of something made now.
pub(super) fn attributes(mode: u32) -> Attributes {
    let now = machine::wall();
    Attributes {
        mode,
        uid: 0,
        gid: 0,
        atime: now,
        mtime: now,
        ctime: now,
    }
}

/// A new open file for a node; also what a descriptor's name in `/proc` leads to.
pub(super) fn open(subject: Subject, flags: u32, mode: u32) -> Result<Arc<OpenFile>, Stop> {
    // As on Linux, bits of no meaning are ignored.
    let flags = Flags::from_bits_truncate(flags);
    if flags.contains(Flags::TMPFILE) {
        return Err(Errno::EOPNOTSUPP.into());
    }
    let target = match subject {
        Subject::File(file) => return reopen(file, flags),
        Subject::Target(target) => target,
    };
    mem::room(size_of::<TmpNode>() + size_of::<OpenFile>() + target.name.len())?;
    let exclusive = flags.contains(Flags::CREAT | Flags::EXCL);
    let (node, made) = match target.node {
        Some(_) if exclusive => return Err(Errno::EEXIST.into()),
        Some(node) => (node, false),
        None if !flags.contains(Flags::CREAT) => return Err(Errno::ENOENT.into()),
        None if target.slash => return Err(Errno::EISDIR.into()),
        None => (create(&target, mode)?, true),
    };
    if let Some(file) = descriptor(&node, flags)? {
        return reopen(file, flags);
    }
    let body = body(&node, flags)?;
    let cuts = flags.contains(Flags::TRUNC) && !made && flags.writes();
    if cuts && matches!(body, Body::Tmp(_)) {
        cut(&node, 0)?;
    }
    Ok(opened(body, flags))
}

fn opened(body: Body, flags: Flags) -> Arc<OpenFile> {
    let kept = flags - Flags::CREAT - Flags::EXCL - Flags::TRUNC - Flags::CLOEXEC;
    Arc::new(OpenFile::new(body, kept))
}

/// The open file that a name in `/proc/PID/fd` stands for.
fn descriptor(node: &Node, flags: Flags) -> Result<Option<Arc<OpenFile>>, Errno> {
    match node {
        Node::Proc(Proc::Descriptor(pid, fd)) if !flags.contains(Flags::PATH) => {
            let process = table().get(*pid).ok_or(Errno::ENOENT)?;
            // Who opens it may be another process.
            let file = process.files.get(*fd)?;
            let given = file.may_be_given().then_some(file);
            Ok(Some(given.ok_or(Errno::EACCES)?))
        }
        _ => Ok(None),
    }
}

/// Opens a file once more. What has a node gets a position of its own; terminals and pipes are shared.
fn reopen(file: Arc<OpenFile>, flags: Flags) -> Result<Arc<OpenFile>, Stop> {
    mem::room(size_of::<OpenFile>())?;
    match file.node() {
        Some(node) if !matches!(file.body, Body::Terminal(_)) => {
            let body = body(&node, flags)?;
            if flags.contains(Flags::TRUNC) && flags.writes() && matches!(body, Body::Tmp(_)) {
                cut(&node, 0)?;
            }
            Ok(opened(body, flags))
        }
        _ => Ok(file),
    }
}

fn create(target: &Target<Node>, mode: u32) -> Result<Node, Errno> {
    let Node::Tmp(parent) = &target.directory else {
        return Err(Errno::EROFS);
    };
    let attributes = attributes(mode & 0o7777);
    let content = tree::Content::File(Content::new()?);
    let node = tmp().create(parent, &target.name, attributes, content)?;
    Ok(Node::Tmp(node))
}

/// A file of `/tmp` without a name, which takes seals or not.
pub fn nameless(sealable: bool) -> Result<Arc<OpenFile>, Errno> {
    mem::room(size_of::<TmpNode>() + size_of::<OpenFile>())?;
    let content = if sealable {
        Content::sealable()?
    } else {
        Content::new()?
    };
    let node = tmp().nameless(attributes(S_IFREG | 0o777), content);
    Ok(Arc::new(OpenFile::new(Body::Tmp(node), Flags::RDWR)))
}

/// What is behind a file opened at `node`.
fn body(node: &Node, flags: Flags) -> Result<Body, Errno> {
    let kind = node.stat().mode & S_IFMT;
    if flags.contains(Flags::PATH) {
        if flags.contains(Flags::DIRECTORY) && kind != S_IFDIR {
            return Err(Errno::ENOTDIR);
        }
        return Ok(Body::Place(node.clone()));
    }
    match kind {
        S_IFLNK => return Err(Errno::ELOOP),
        S_IFDIR if flags.writes() || flags.contains(Flags::CREAT) => return Err(Errno::EISDIR),
        S_IFDIR => return Ok(Body::Place(node.clone())),
        _ if flags.contains(Flags::DIRECTORY) => return Err(Errno::ENOTDIR),
        _ => {}
    }
    Ok(match node {
        Node::Archive(_) | Node::Proc(_) if flags.writes() && kind == S_IFREG => {
            return Err(Errno::EROFS);
        }
        Node::Archive(id) => match archive().node(*id).content {
            ArchiveContent::Bytes(bytes) if kind == S_IFREG => Body::Bytes(node.clone(), bytes),
            _ => return Err(Errno::ENXIO),
        },
        Node::Tmp(tmp) => {
            transfer::content(tmp)?;
            Body::Tmp(tmp.clone())
        }
        Node::Device(Device::Tty | Device::Console) => {
            if !(0..3).any(tty::is_terminal) {
                return Err(Errno::ENXIO);
            }
            Body::Terminal(tty::shown_on(0))
        }
        Node::Device(device) => Body::Device(*device),
        Node::DevDirectory | Node::Far(_) => return Err(Errno::EISDIR),
        Node::Proc(proc) => Body::Text(node.clone(), proc.text().ok_or(Errno::ENOENT)?),
    })
}
