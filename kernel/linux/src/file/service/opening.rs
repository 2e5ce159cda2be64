//! Opening: from a node to an open file.

use super::super::archive::ArchiveFile;
use super::super::caller::Caller;
use super::super::claims::Claim;
use super::super::content::Content;
use super::super::device::Device;
use super::super::flags::Flags;
use super::super::local::growing;
use super::super::memory::{MemoryFile, new_attributes};
use super::super::open::OpenFile;
use super::super::place::Place;
use super::super::proc::{PageMap, Proc, TextFile};
use super::super::tree::Node;
use super::super::tty::{self, file::Terminal};
use super::super::{content, facts};
use super::files::cut;
use super::subject::Subject;
use crate::file::context::HasFiles as _;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use braid_files::archive::{S_IFDIR, S_IFLNK, S_IFMT, S_IFREG};
use braid_files::credentials::Identity;
use braid_files::permission::{self, Access};
use braid_files::tmp::{self as tree};
use braid_files::walk::Target;

/// A new open file for a node; also what a descriptor's name in `/proc` leads to.
pub(super) fn open(
    caller: &dyn Caller,
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
            let kind = check_kind(&node, flags)?;
            let claim = claim(&node, flags)?;
            return Ok(opened(&node, kind, flags, claim)?);
        }
    };
    if let Some(file) = descriptor(&caller.identity(), &node, flags)? {
        return reopen(caller, file, flags);
    }
    open_node(caller, node, flags)
}

/// Opens a node that is there, if somebody may. Until that is known nothing is made of it: no text, and no file in memory.
fn open_node(caller: &dyn Caller, node: Node, flags: Flags) -> Result<Arc<OpenFile>, Stop> {
    let who = &caller.identity();
    let kind = check_kind(&node, flags)?;
    if flags.contains(Flags::PATH) {
        return Ok(opened(&node, kind, flags, Claim::None)?);
    }
    check(who, &node, flags)?;
    if matches!(node, Node::Device(Device::Tty)) && !tty::controls(caller) {
        return Err(Errno::ENXIO.into());
    }
    let node = if changes(flags) { node.raised()? } else { node };
    let claim = claim(&node, flags)?;
    if flags.contains(Flags::TRUNC) && matches!(claim, Claim::Writes(_)) {
        cut(who, &node, 0, u64::MAX)?;
    }
    let claim = if flags.writes() { claim } else { Claim::None };
    let file = opened(&node, kind, flags, claim)?;
    if matches!(node, Node::Proc(_)) {
        // The process may have executed a set-id program meanwhile: who may not look into that gets nothing that may be of it.
        check(who, &node, flags)?;
    }
    Ok(file)
}

/// The claim of who opens a file so, and at least cuts it then.
fn claim(node: &Node, flags: Flags) -> Result<Claim, Errno> {
    match node {
        Node::Tmp(node) if changes(flags) => Claim::to_write(node),
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
    check_kind(&node, flags)?;
    permission::check(who, node.guard(), Access::EXECUTE)?;
    Ok(OpenFile::new(Place(node), flags)?)
}

/// An open file of a program that somebody may execute, if he may not read it either (execve(2)). ETXTBSY: somebody writes to it.
pub fn execute(who: &Identity, node: &Node) -> Result<Arc<OpenFile>, Errno> {
    let guard = node.guard();
    if guard.mode & S_IFMT != S_IFREG {
        return Err(Errno::EACCES);
    }
    permission::check(who, guard, Access::EXECUTE)?;
    match node {
        Node::Archive(id) => {
            let claim = Claim::to_run_archive(*id);
            // If somebody has opened the file for writing meanwhile, it is in memory.
            match node.clone().now() {
                Node::Archive(_) => OpenFile::open(ArchiveFile::new(*id)?, Flags::RDONLY, claim),
                changed => execute(who, &changed),
            }
        }
        Node::Tmp(tmp) => {
            let same = content::of(tmp)?.same_as();
            let claim = Claim::to_run(tmp)?;
            match same {
                // Its pages are there already, or wherever it is executed.
                Some(id) => OpenFile::open(ArchiveFile::new(id)?, Flags::RDONLY, claim),
                None => OpenFile::open(MemoryFile::new(tmp.clone())?, Flags::RDONLY, claim),
            }
        }
        _ => Err(Errno::EACCES),
    }
}

/// The open file that a name in `/proc/PID/fd` stands for, if that is one that no path leads to.
fn descriptor(who: &Identity, node: &Node, flags: Flags) -> Result<Option<Arc<OpenFile>>, Errno> {
    match node {
        Node::Proc(proc @ Proc::Descriptor(shown, fd))
            if !flags.intersects(Flags::PATH | Flags::NOFOLLOW) =>
        {
            let process = shown.process().ok_or(Errno::ENOENT)?;
            let file = process.files().get(*fd)?;
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
fn reopen(caller: &dyn Caller, file: Arc<OpenFile>, flags: Flags) -> Result<Arc<OpenFile>, Stop> {
    if !file.may_be_given() {
        return Err(Errno::EACCES.into());
    }
    match file.followed().and(file.node()) {
        Some(node) => open_node(caller, node, flags),
        None => Ok(file),
    }
}

fn create(who: &Identity, target: &Target<Node>, mode: u32) -> Result<Node, Errno> {
    permission::check_add(who, target.directory.guard())?;
    let Node::Tmp(parent) = target.directory.clone().raised()? else {
        return Err(Errno::EROFS);
    };
    let attributes = new_attributes(who, mode & 0o7777);
    let content = tree::Content::File(Content::new()?);
    let name = (&parent, &*target.name);
    let node = growing(&parent)?.create(who, name, attributes, content)?;
    Ok(Node::Tmp(node))
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

/// A new open file for a node that may be opened so, whose type bits these are.
fn opened(node: &Node, kind: u32, flags: Flags, claim: Claim) -> Result<Arc<OpenFile>, Errno> {
    let flags = flags - Flags::CREAT - Flags::EXCL - Flags::TRUNC - Flags::CLOEXEC;
    if kind == S_IFDIR || flags.contains(Flags::PATH) {
        return OpenFile::new(Place(node.clone()), flags);
    }
    match node {
        Node::Archive(_) | Node::Tmp(_) if kind != S_IFREG => Err(Errno::ENXIO),
        Node::Archive(id) => OpenFile::open(ArchiveFile::new(*id)?, flags, claim),
        Node::Tmp(tmp) => OpenFile::open(MemoryFile::new(tmp.clone())?, flags, claim),
        Node::Device(device @ (Device::Tty | Device::Console)) => {
            if !facts::is_main() || !(0..3).any(tty::is_terminal) {
                return Err(Errno::ENXIO);
            }
            OpenFile::new(Terminal::new(*device, tty::shown_on(0)), flags)
        }
        Node::Device(device) => OpenFile::new(*device, flags),
        Node::DevDirectory | Node::Remote(_) => Err(Errno::EISDIR),
        Node::Proc(proc) => match proc.page_map()? {
            Some(space) => OpenFile::new(PageMap::new(proc, space), flags),
            None => OpenFile::new(TextFile::new(proc)?, flags),
        },
    }
}

/// The same on behalf of whoever has found the node, without a claim.
pub fn open_at(node: &Node, flags: Flags) -> Result<Arc<OpenFile>, Errno> {
    let kind = check_kind(node, flags)?;
    opened(node, kind, flags, Claim::None)
}
