//! Files in memory: of `/tmp`, of what has changed of the root, and without a name.

use super::caller::Caller;
use super::content::TmpNode;
use super::content::{self, Content, LEN_MAX, Seals};
use super::facts;
use super::flags::Flags;
use super::io::Transfer;
use super::kind::File;
use super::local::tmp;
use super::mapping::Mappable;
use super::open::OpenFile;
use super::transfer::{BLOCK, positioned};
use super::tree::Node;
use crate::syscall::call::{Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::archive::S_IFREG;
use braid_files::credentials::Identity;
use braid_files::permission::{self, Guard};
use braid_files::tmp::Attributes;
use fallible::TryVec;
use vm::addr::PAGE_SIZE;

/// A file in memory.
pub struct MemoryFile(Arc<TmpNode>);

impl MemoryFile {
    /// The file of this node. EISDIR and ELOOP when it is none.
    pub fn new(node: Arc<TmpNode>) -> Result<Self, Errno> {
        content::of(&node)?;
        Ok(Self(node))
    }
}

/// Attributes of something that somebody makes now.
pub fn new_attributes(who: &Identity, mode: u32) -> Attributes {
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
    let node = tmp().nameless(new_attributes(who, S_IFREG | 0o777), content, shown)?;
    OpenFile::new(MemoryFile::new(node)?, Flags::RDWR)
}

impl File for MemoryFile {
    fn read(&self, open: &OpenFile, _caller: &dyn Caller, io: &mut Transfer) -> SysResult {
        read(open, &self.0, io)
    }

    fn write(&self, open: &OpenFile, caller: &dyn Caller, io: &mut Transfer) -> SysResult {
        write(caller, open, &self.0, io)
    }

    fn mapped(&self, open: &OpenFile, shared: bool) -> Result<Mappable, Stop> {
        let content = content::of(&self.0)?;
        let flags = open.flags();
        if shared && flags.writes() {
            content.writable_object();
        }
        Ok(Mappable {
            sealed: content
                .seals()
                .intersects(Seals::WRITE | Seals::FUTURE_WRITE),
            ..Mappable::new(content.object().clone(), flags)
        })
    }

    fn node(&self) -> Option<Node> {
        Some(Node::Tmp(self.0.clone()))
    }

    fn content(&self) -> Option<&Content> {
        content::of(&self.0).ok()
    }
}

/// Reads from a file in memory, and notes when.
pub fn read(file: &OpenFile, node: &TmpNode, io: &mut Transfer) -> SysResult {
    let content = content::of(node)?;
    let result = positioned(file, io, |io, at| {
        let mut block = [0; BLOCK];
        let wanted = io.left().min(BLOCK);
        let n = content.read(at, &mut block[..wanted])?;
        if n == 0 { Ok(0) } else { io.put(&block[..n]) }
    });
    if !file.flags().contains(Flags::NOATIME) {
        node.change(|attributes| attributes.atime = facts::wall());
    }
    result
}

fn write(caller: &dyn Caller, file: &OpenFile, node: &TmpNode, io: &mut Transfer) -> SysResult {
    let content = content::of(node)?;
    if io.total() == 0 {
        return Ok(0);
    }
    let limit = caller.file_limit();
    let result = if file.flags().contains(Flags::APPEND) {
        append(file, content, io, io.position().is_none(), limit)
    } else {
        overwrite(file, content, io, limit)
    };
    written(&caller.identity(), node);
    result
}

/// Notes that somebody has changed the bytes of a file, or tried.
pub fn written(who: &Identity, node: &TmpNode) {
    let now = facts::wall();
    node.change(|attributes| {
        (attributes.mtime, attributes.ctime) = (now, now);
        attributes.mode = permission::mode_after_write(who, Guard::from(&*attributes));
    });
}

/// Writes to the end of a file; each piece is in one place, whoever else appends.
fn append(
    file: &OpenFile,
    content: &Content,
    io: &mut Transfer,
    moves: bool,
    limit: u64,
) -> SysResult {
    let mut offset = file.offset.lock();
    while io.left() > 0 {
        let step = take_piece(io).and_then(|piece| {
            let (n, end) = content
                .append(&piece, limit)
                .inspect_err(|_| io.untake(piece.len()))?;
            io.untake(piece.len() - n);
            Ok((end, n == piece.len()))
        });
        match step {
            Ok((end, whole)) => {
                if moves {
                    *offset = end;
                }
                if !whole {
                    break;
                }
            }
            Err(stop) => {
                io.stopped(stop)?;
                break;
            }
        }
        io.pause()?;
    }
    Ok(io.done())
}

/// The most bytes that are appended in one place, whoever else appends meanwhile.
const APPENDED: usize = 64 << 10;

/// The next bytes of a transfer: a whole piece, unless memory ends that can be read.
fn take_piece(io: &mut Transfer) -> Result<Vec<u8>, Stop> {
    let len = io.left().min(APPENDED);
    let mut piece = Vec::new();
    piece.try_resize(len, 0)?;
    let mut taken = 0;
    while taken < len {
        match io.take(&mut piece[taken..]) {
            Ok(0) => break,
            Ok(n) => taken += n,
            Err(Stop::Errno(_)) if taken > 0 => break,
            Err(stop) => {
                io.untake(taken);
                return Err(stop);
            }
        }
    }
    piece.truncate(taken);
    Ok(piece)
}

fn overwrite(file: &OpenFile, content: &Content, io: &mut Transfer, limit: u64) -> SysResult {
    positioned(file, io, |io, at| {
        let mut block = [0; BLOCK];
        let n = io.left().min(BLOCK - (at % BLOCK as u64) as usize);
        let room = limit.checked_sub(at).filter(|&room| room > 0);
        let n = n.min(usize::try_from(room.ok_or(Errno::EFBIG)?).unwrap_or(usize::MAX));
        at.checked_add(n as u64)
            .filter(|&end| end <= LEN_MAX)
            .ok_or(Errno::EFBIG)?;
        // Seals are judged for the whole of a page.
        let in_page = (PAGE_SIZE as u64 - at % PAGE_SIZE as u64).min(io.left() as u64);
        content.permits_write(at.saturating_add(in_page))?;
        let n = io.take(&mut block[..n])?;
        match content.write(at, &block[..n]) {
            Ok(()) => Ok(n),
            Err(stop) => {
                io.untake(n);
                Err(stop)
            }
        }
    })
}
