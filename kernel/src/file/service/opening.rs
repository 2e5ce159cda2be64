//! Opening: from a node to an open file.

use super::super::caller::Caller;
use super::super::claims::Claim;
use super::super::content::Content;
use super::super::device::Device;
use super::super::local::{growing, tmp};
use super::super::open::{Body, Flags, OpenFile};
use super::super::proc::Proc;
use super::super::transfer;
use super::super::tree::{Node, archive};
use super::super::tty;
use super::super::{facts, far};
use super::Subject;
use super::files::cut;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::archive::{Content as ArchiveContent, NodeId, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG};
use braid_files::credentials::Identity;
use braid_files::permission::{self, Access};
use braid_files::tmp::{self as tree, Attributes};
use braid_files::walk::Target;

/// Attributes of something that somebody makes now.
pub(super) fn attributes(who: &Identity, mode: u32) -> Attributes {
    let now = facts::wall();
    Attributes {
        mode,
        uid: who.user,
        gid: who.group,
        atime: now,
        mtime: now,
        ctime: now,
    }
}

/// A new open file for a node; also what a descriptor's name in `/proc` leads to.
pub(super) fn open(
    caller: &Caller,
    subject: Subject,
    flags: u32,
    mode: u32,
) -> Result<Arc<OpenFile>, Stop> {
    // As on Linux, bits of no meaning are ignored.
    let flags = Flags::from_bits_truncate(flags);
    if flags.contains(Flags::TMPFILE) {
        return Err(Errno::EOPNOTSUPP.into());
    }
    // Nothing is made or cut that can then not be opened.
    OpenFile::admit(0)?;
    let target = match subject {
        Subject::File(file) => return reopen(caller, file, flags),
        Subject::Target(target) => target,
    };
    let exclusive = flags.contains(Flags::CREAT | Flags::EXCL);
    let node = match target.node {
        Some(_) if exclusive => return Err(Errno::EEXIST.into()),
        Some(node) => node,
        None if !flags.contains(Flags::CREAT) => return Err(Errno::ENOENT.into()),
        None if target.slash => return Err(Errno::EISDIR.into()),
        None => {
            // A process that makes a file may open it in any way, whatever the file's mode says.
            let node = create(&caller.identity(), &target, mode)?;
            let body = body(&node, flags)?;
            let claim = claim(&body, flags)?;
            return opened(body, flags, claim);
        }
    };
    if let Some(file) = descriptor(&caller.identity(), &node, flags)? {
        return reopen(caller, file, flags);
    }
    open_node(caller, node, flags)
}

/// Opens a node that is there, if somebody may. Until that is known nothing is made of it: no text, and no file in memory.
fn open_node(caller: &Caller, node: Node, flags: Flags) -> Result<Arc<OpenFile>, Stop> {
    let who = &caller.identity();
    let kind = check_kind(&node, flags)?;
    if flags.contains(Flags::PATH) {
        return opened(Body::Place(node), flags, Claim::None);
    }
    check(who, &node, flags)?;
    if matches!(node, Node::Device(Device::Tty)) && !tty::controls(caller) {
        return Err(Errno::ENXIO.into());
    }
    let node = if changes(flags) { node.raised()? } else { node };
    let body = body_of(&node, kind)?;
    if matches!(node, Node::Proc(_)) {
        // The process may have executed a set-id program meanwhile: who may not look into that gets nothing that may be of it.
        check(who, &node, flags)?;
    }
    let claim = claim(&body, flags)?;
    if flags.contains(Flags::TRUNC) && matches!(body, Body::Tmp(_)) {
        cut(who, &node, 0, u64::MAX)?;
    }
    let claim = if flags.writes() { claim } else { Claim::None };
    opened(body, flags, claim)
}

/// The claim of who opens a file so, and at least cuts it then.
fn claim(body: &Body, flags: Flags) -> Result<Claim, Errno> {
    match body {
        Body::Tmp(node) if changes(flags) => Claim::to_write(node),
        _ => Ok(Claim::None),
    }
}

/// Whether a file opened so may change.
pub fn changes(flags: Flags) -> bool {
    !flags.contains(Flags::PATH) && (flags.writes() || flags.contains(Flags::TRUNC))
}

/// Checks that somebody may open a node so.
fn check(who: &Identity, node: &Node, flags: Flags) -> Result<(), Errno> {
    let mut wanted = Access::empty();
    wanted.set(Access::READ, flags.reads());
    wanted.set(Access::WRITE, changes(flags));
    let guard = node.guard();
    permission::check(who, guard, wanted)?;
    if flags.contains(Flags::NOATIME) {
        permission::check_owner(who, guard)?;
    }
    match node {
        // Nobody may open for writing what cannot be changed, not even user 0.
        Node::Proc(proc @ Proc::Sys(_)) if changes(flags) && proc.stat().mode & 0o222 == 0 => {
            Err(Errno::EACCES)
        }
        Node::Proc(proc) if proc.is_private() && !proc.may_be_inspected(who) => Err(Errno::EACCES),
        _ => Ok(()),
    }
}

/// An open file that stands for a directory in which somebody may look for names (chdir(2)).
pub(super) fn enter(who: &Identity, subject: &Subject) -> Result<Arc<OpenFile>, Stop> {
    let flags = Flags::PATH | Flags::DIRECTORY;
    let node = subject.node(Errno::ENOTDIR)?;
    let body = body(&node, flags)?;
    permission::check(who, node.guard(), Access::EXECUTE)?;
    opened(body, flags, Claim::None)
}

/// An open file of a program that somebody may execute, if he may not read it either (execve(2)). ETXTBSY: somebody writes to it.
pub fn execute(who: &Identity, node: &Node) -> Result<Arc<OpenFile>, Errno> {
    let guard = node.guard();
    if guard.mode & S_IFMT != S_IFREG {
        return Err(Errno::EACCES);
    }
    permission::check(who, guard, Access::EXECUTE)?;
    let (body, claim) = match node {
        Node::Archive(id) => {
            let claim = Claim::to_run_archive(*id);
            // If somebody has opened the file for writing meanwhile, it is in memory.
            match node.clone().now() {
                Node::Archive(_) => (bytes_of(*id)?, claim),
                changed => return execute(who, &changed),
            }
        }
        Node::Tmp(tmp) => {
            let body = match transfer::content(tmp)?.same_as() {
                // Its pages are there already, or wherever it is executed.
                Some(id) => bytes_of(id)?,
                None => Body::Tmp(tmp.clone()),
            };
            (body, Claim::to_run(tmp)?)
        }
        _ => return Err(Errno::EACCES),
    };
    OpenFile::open(body, Flags::RDONLY, claim)
}

/// The bytes of a file of the boot archive.
pub fn bytes_of(id: NodeId) -> Result<Body, Errno> {
    match archive().node(id).content {
        ArchiveContent::Bytes(bytes) => Ok(Body::Bytes(Node::Archive(id), bytes)),
        ArchiveContent::Directory(_) => Err(Errno::EACCES),
    }
}

fn opened(body: Body, flags: Flags, claim: Claim) -> Result<Arc<OpenFile>, Stop> {
    let kept = flags - Flags::CREAT - Flags::EXCL - Flags::TRUNC - Flags::CLOEXEC;
    Ok(OpenFile::open(body, kept, claim)?)
}

/// The open file that a name in `/proc/PID/fd` stands for, if that is one that no path leads to.
fn descriptor(who: &Identity, node: &Node, flags: Flags) -> Result<Option<Arc<OpenFile>>, Errno> {
    match node {
        Node::Proc(proc @ Proc::Descriptor(shown, fd))
            if !flags.intersects(Flags::PATH | Flags::NOFOLLOW) =>
        {
            let process = shown.process().ok_or(Errno::ENOENT)?;
            let file = process.files.get(*fd)?;
            // Asked afterwards: the process may have executed a set-id program meanwhile.
            if proc.may_be_inspected(who) {
                Ok(Some(file))
            } else {
                Err(Errno::EACCES)
            }
        }
        _ => Ok(None),
    }
}

/// Opens a file once more, for whichever process. What has a node gets a position of its own; the first process's terminals, and pipes,
/// are shared. EACCES for what may not be given away.
fn reopen(caller: &Caller, file: Arc<OpenFile>, flags: Flags) -> Result<Arc<OpenFile>, Stop> {
    if !file.may_be_given() {
        return Err(Errno::EACCES.into());
    }
    match file.node() {
        Some(node) if !matches!(file.body, Body::Terminal(Device::Console, _)) => {
            open_node(caller, node, flags)
        }
        _ => Ok(file),
    }
}

fn create(who: &Identity, target: &Target<Node>, mode: u32) -> Result<Node, Errno> {
    permission::check_add(who, target.directory.guard())?;
    let Node::Tmp(parent) = target.directory.clone().raised()? else {
        return Err(Errno::EROFS);
    };
    let attributes = attributes(who, mode & 0o7777);
    let content = tree::Content::File(Content::new()?);
    let name = (&parent, &*target.name);
    let node = growing(&parent)?.create(who, name, attributes, content)?;
    Ok(Node::Tmp(node))
}

/// A file in memory without a name, which takes seals or not.
pub fn nameless(
    who: &Identity,
    sealable: bool,
    shown: Option<Vec<u8>>,
) -> Result<Arc<OpenFile>, Errno> {
    let content = if sealable {
        Content::sealable()?
    } else {
        Content::new()?
    };
    let node = tmp().nameless(attributes(who, S_IFREG | 0o777), content, shown)?;
    OpenFile::new(Body::Tmp(node), Flags::RDWR)
}

/// The type bits of what a node is, if that can be opened so.
fn check_kind(node: &Node, flags: Flags) -> Result<u32, Errno> {
    let kind = node.stat().mode & S_IFMT;
    let is_directory = kind == S_IFDIR;
    if flags.contains(Flags::DIRECTORY) && !is_directory {
        let is_link = kind == S_IFLNK && !flags.contains(Flags::PATH);
        return Err(if is_link {
            Errno::ELOOP
        } else {
            Errno::ENOTDIR
        });
    }
    match kind {
        _ if flags.contains(Flags::PATH) => Ok(kind),
        S_IFLNK => Err(Errno::ELOOP),
        S_IFDIR if flags.writes() || flags.contains(Flags::CREAT) => Err(Errno::EISDIR),
        _ => Ok(kind),
    }
}

/// What is behind a file opened at `node`.
pub(in super::super) fn body(node: &Node, flags: Flags) -> Result<Body, Errno> {
    let kind = check_kind(node, flags)?;
    if flags.contains(Flags::PATH) {
        return Ok(Body::Place(node.clone()));
    }
    body_of(node, kind)
}

/// The same for what may be opened so, and not as a place alone.
fn body_of(node: &Node, kind: u32) -> Result<Body, Errno> {
    if kind == S_IFDIR {
        return Ok(Body::Place(node.clone()));
    }
    Ok(match node {
        Node::Archive(_) | Node::Tmp(_) if kind != S_IFREG => return Err(Errno::ENXIO),
        Node::Archive(id) => bytes_of(*id)?,
        Node::Tmp(tmp) => {
            transfer::content(tmp)?;
            Body::Tmp(tmp.clone())
        }
        Node::Device(device @ (Device::Tty | Device::Console)) => {
            if !far::is_main() || !(0..3).any(tty::is_terminal) {
                return Err(Errno::ENXIO);
            }
            Body::Terminal(*device, tty::shown_on(0))
        }
        Node::Device(device) => Body::Device(*device),
        Node::DevDirectory | Node::Far(_) => return Err(Errno::EISDIR),
        Node::Proc(proc) => match proc.page_map()? {
            Some(space) => Body::PageMap(node.clone(), space),
            None => Body::Text(node.clone(), proc.text()?),
        },
    })
}
