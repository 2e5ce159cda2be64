//! Where names are: paths of directories, targets of links, lists of names.

use super::super::open::OpenFile;
use super::super::tree::Node;
use super::subject::Subject;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::vec::Vec;
use braid_files::credentials::Identity;
use braid_files::stat::{entry_type, write_entry};
use fallible::{NoMemory, to_vec};
use tori::pieces;

/// The longest entry of a listing, in bytes: a name of 255, its frame and alignment.
const ENTRY_MAX: usize = 288;

pub(super) fn path(subject: &Subject) -> Result<Vec<u8>, Errno> {
    subject.node(Errno::ENOTDIR)?.path()?.ok_or(Errno::ENOENT)
}

pub(super) fn read_link(who: &Identity, subject: &Subject) -> Result<Vec<u8>, Errno> {
    let node = subject.node(Errno::ENOENT)?;
    let link = node.link()?;
    match &node {
        // Asked afterwards: the process may have executed a set-id program meanwhile.
        Node::Proc(proc) if !proc.may_be_inspected(who) => Err(Errno::EACCES),
        _ => link.ok_or(Errno::EINVAL),
    }
}

/// getdents64(2): effects entries to `put` as long as they fit in `len` bytes; answers how many bytes they were. Positions: 0 is `.`,
/// 1 is `..`, then the directory's own plus 2.
pub fn list(
    file: &OpenFile,
    len: usize,
    mut put: impl FnMut(usize, &[u8]) -> Result<(), Stop>,
) -> Result<usize, Stop> {
    let directory = &file.directory()?;
    if !file.flags().reads() {
        return Err(Errno::EBADF.into());
    }
    if matches!(directory, Node::Tmp(node) if node.links() == 0) {
        return Err(Errno::ENOENT.into());
    }
    let mut offset = file.offset.lock();
    let mut done = 0;
    while let Some((next, name, node)) = entry(directory, *offset, done > 0)? {
        pieces::step();
        let stat = node.stat();
        let mut block = [0; ENTRY_MAX];
        let size = write_entry(&mut block, stat.inode, next, entry_type(stat.mode), &name)
            .ok_or(Errno::EIO)?;
        if size > len - done {
            if done == 0 {
                return Err(Errno::EINVAL.into());
            }
            break;
        }
        match put(done, &block[..size]) {
            Ok(()) => {}
            Err(_) if done > 0 => break,
            Err(stop) => return Err(stop),
        }
        done += size;
        *offset = next;
    }
    Ok(done)
}

/// The entry at or after `position`, and the position after it. Without memory, and if `some` have been listed, none.
fn entry(
    directory: &Node,
    position: u64,
    some: bool,
) -> Result<Option<(u64, Vec<u8>, Node)>, NoMemory> {
    let entry = match position {
        0 => to_vec(b".").map(|name| Some((1, name, directory.clone()))),
        1 => to_vec(b"..").map(|name| {
            let parent = directory.parent().unwrap_or_else(|| directory.clone());
            Some((2, name, parent))
        }),
        _ => directory
            .list(position - 2)
            .map(|entry| entry.map(|(next, name, node)| (next + 2, name, node))),
    };
    match entry {
        Err(NoMemory) if some => Ok(None),
        entry => entry,
    }
}
