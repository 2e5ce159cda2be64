//! open and its kin: from a path to an open file.

use super::super::content::Content;
use super::super::device::Device;
use super::super::local::{TmpNode, tmp};
use super::super::machine;
use super::super::open::{Body, Flags, OpenFile};
use super::super::proc::Proc;
use super::super::transfer;
use super::super::tree::{Node, archive};
use super::super::tty;
use super::{AT_FDCWD, descriptor_limit, path, resolve};
use crate::mem;
use crate::process::table;
use crate::syscall::call::{Call, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use braid_files::archive::{Content as ArchiveContent, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG};
use braid_files::tmp::{self as tree, Attributes};

/// open(2).
pub fn open(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    let (flags, mode) = (call.args[1] as u32, call.args[2] as u32);
    open_path(call, AT_FDCWD, &path, flags, mode)
}

/// creat(2).
pub fn creat(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    let flags = Flags::CREAT | Flags::WRONLY | Flags::TRUNC;
    let mode = call.args[1] as u32;
    open_path(call, AT_FDCWD, &path, flags.bits(), mode)
}

/// openat(2).
pub fn openat(call: &mut Call) -> SysResult {
    let path = path(call, 1)?;
    let (flags, mode) = (call.args[2] as u32, call.args[3] as u32);
    open_path(call, call.int(0), &path, flags, mode)
}

/// memfd_create(2): a file of `/tmp` without a name.
pub fn memfd_create(call: &mut Call) -> SysResult {
    const CLOEXEC: u64 = 1;
    const ALLOW_SEALING: u64 = 2;
    crate::mem::user::read_c_string(call.size(0), 250)?;
    if call.args[1] & !(CLOEXEC | ALLOW_SEALING) != 0 {
        return Err(Errno::EINVAL.into());
    }
    mem::room(size_of::<TmpNode>() + size_of::<OpenFile>())?;
    let node = tmp().nameless(attributes(S_IFREG | 0o777), Content::new()?);
    let file = Arc::new(OpenFile::new(Body::Tmp(node), Flags::RDWR));
    let limit = descriptor_limit(call);
    Ok(call
        .process
        .files
        .insert(file, call.args[1] & CLOEXEC != 0, 0, limit)? as usize)
}

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

fn open_path(call: &Call, directory: i32, path: &[u8], flags: u32, mode: u32) -> SysResult {
    // As on Linux, bits of no meaning are ignored.
    let flags = Flags::from_bits_truncate(flags);
    if flags.contains(Flags::TMPFILE) {
        return Err(Errno::EOPNOTSUPP.into());
    }
    let exclusive = flags.contains(Flags::CREAT | Flags::EXCL);
    let follow = !flags.contains(Flags::NOFOLLOW) && !exclusive;
    let target = resolve(call, directory, path, follow)?;
    mem::room(size_of::<TmpNode>() + size_of::<OpenFile>() + target.name.len())?;
    let (node, made) = match target.node {
        Some(_) if exclusive => return Err(Errno::EEXIST.into()),
        Some(node) => (node, false),
        None if !flags.contains(Flags::CREAT) => return Err(Errno::ENOENT.into()),
        None if target.slash => return Err(Errno::EISDIR.into()),
        None => (create(call, &target.directory, &target.name, mode)?, true),
    };
    let body = body(&node, flags)?;
    let file = match body {
        Opened::New(body) => {
            if flags.contains(Flags::TRUNC)
                && !made
                && flags.writes()
                && matches!(body, Body::Tmp(_))
            {
                super::io::cut(&node, 0)?;
            }
            Arc::new(OpenFile::new(
                body,
                flags - Flags::CREAT - Flags::EXCL - Flags::TRUNC - Flags::CLOEXEC,
            ))
        }
        Opened::Shared(file) => file,
    };
    let limit = descriptor_limit(call);
    Ok(call
        .process
        .files
        .insert(file, flags.contains(Flags::CLOEXEC), 0, limit)? as usize)
}

fn create(call: &Call, directory: &Node, name: &[u8], mode: u32) -> Result<Node, Errno> {
    let Node::Tmp(parent) = directory else {
        return Err(Errno::EROFS);
    };
    let mode = mode & 0o7777 & !call.process.files.umask();
    let content = tree::Content::File(Content::new()?);
    Ok(Node::Tmp(tmp().create(
        parent,
        name,
        attributes(mode),
        content,
    )?))
}

/// A new open file, or one that is open already (`/dev/stdin`, `/proc/self/fd/N`).
enum Opened {
    New(Body),
    Shared(Arc<OpenFile>),
}

/// What opening `node` gives.
fn body(node: &Node, flags: Flags) -> Result<Opened, Errno> {
    let kind = node.stat().mode & S_IFMT;
    if flags.contains(Flags::PATH) {
        if flags.contains(Flags::DIRECTORY) && kind != S_IFDIR {
            return Err(Errno::ENOTDIR);
        }
        return Ok(Opened::New(Body::Place(node.clone())));
    }
    if let Node::Proc(Proc::Descriptor(pid, fd)) = node {
        let file = table().get(*pid).ok_or(Errno::ENOENT)?.files.get(*fd)?;
        // What has a node is opened anew, with a position of its own; terminals and pipes are shared.
        return match file.node() {
            Some(node) if !matches!(file.body, Body::Terminal(_)) => body(&node, flags),
            _ => Ok(Opened::Shared(file)),
        };
    }
    match kind {
        S_IFLNK => return Err(Errno::ELOOP),
        S_IFDIR if flags.writes() || flags.contains(Flags::CREAT) => return Err(Errno::EISDIR),
        S_IFDIR => return Ok(Opened::New(Body::Place(node.clone()))),
        _ if flags.contains(Flags::DIRECTORY) => return Err(Errno::ENOTDIR),
        _ => {}
    }
    Ok(Opened::New(match node {
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
        Node::DevDirectory => return Err(Errno::EISDIR),
        Node::Proc(proc) => Body::Text(node.clone(), proc.text().ok_or(Errno::ENOENT)?),
    }))
}
