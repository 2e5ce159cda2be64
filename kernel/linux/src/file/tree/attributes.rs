//! The attributes of files, directories and links.

use crate::file::content::Content;
use crate::file::content::TmpNode;
use crate::file::mount::Mount;
use braid_files::archive;
use braid_files::stat::{Stat, Time};
use braid_files::tmp;

/// Of a node of the boot archive, as that has it.
pub(super) fn of_archive(node: &archive::Node<'_>) -> Stat {
    let time = Time {
        seconds: node.mtime,
        nanos: 0,
    };
    Stat {
        device: Mount::Archive as u32,
        inode: node.inode,
        mode: node.mode,
        links: node.links,
        uid: node.uid,
        gid: node.gid,
        special: node.device,
        size: node.size(),
        stored: node.size().next_multiple_of(4096),
        atime: time,
        mtime: time,
        ctime: time,
    }
}

/// Of a node in memory.
pub(super) fn of_tmp(node: &TmpNode) -> Stat {
    let attributes = node.attributes();
    let (size, stored) = match &node.content {
        tmp::Content::Directory => (if node.archive().is_some() { 0 } else { 40 }, 0),
        tmp::Content::File(content) => (Content::len(content), content.stored()),
        tmp::Content::Link(target) => (target.len() as u64, 0),
    };
    Stat {
        device: node.device,
        inode: node.number,
        mode: attributes.mode,
        links: node.links(),
        uid: attributes.uid,
        gid: attributes.gid,
        special: (0, 0),
        size,
        stored,
        atime: attributes.atime,
        mtime: attributes.mtime,
        ctime: attributes.ctime,
    }
}
