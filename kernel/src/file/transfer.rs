//! Reading and writing an open file, whatever is behind it.

use super::caller::Caller;
use super::content::{Content, LEN_MAX};
use super::device::Device;
use super::facts;
use super::io::Transfer;
use super::local::TmpNode;
use super::open::{Body, Flags, OpenFile};
use super::proc::{self, Proc};
use super::tree::Node;
use super::tty;
use crate::process::random;
use crate::syscall::call::{Stop, SysResult};
use crate::syscall::errno::Errno;
use crate::vmo::Handle;
use crate::vmo::file::BuilderFile;
use alloc::sync::Weak;
use alloc::vec::Vec;
use braid_files::credentials::Identity;
use braid_files::permission::{self, Guard};
use braid_files::tmp;
use fallible::TryVec;
use machine::cpu;
use mem::space::Space;
use mem::user::USER_END;
use vm::addr::PAGE_SIZE;
use vm::vmo::Rights;

/// Bytes that go over the kernel's stack at once.
const BLOCK: usize = 2048;
/// Random bytes that are made between two looks for interrupts.
const RANDOM_PIECE: usize = 512;

/// Reads at `position`, or at the file's offset, which then moves.
pub(super) fn read(
    caller: &Caller,
    file: &OpenFile,
    io: &mut Transfer,
    position: Option<u64>,
) -> SysResult {
    verify(file, file.flags().reads(), position)?;
    let wait = !file.flags().contains(Flags::NONBLOCK);
    match &file.body {
        Body::Bytes(node, bytes) => match node.clone().now() {
            Node::Tmp(node) => read_tmp(file, &node, io, position),
            _ => read_bytes(file, bytes, io, position),
        },
        Body::Text(_, text) => read_bytes(file, text, io, position),
        Body::PageMap(_, space) => read_page_map(file, space, io, position),
        Body::Tmp(node) => read_tmp(file, node, io, position),
        Body::Place(_) => Err(Errno::EISDIR.into()),
        Body::Far(_) => Err(Errno::EIO.into()),
        Body::Vmo(object) => read_object(file, &object.handle, io, position),
        Body::Device(device) => read_device(*device, io),
        Body::Terminal(..) => tty::read(caller, io, wait),
        Body::Input => tty::read_plain(caller, io, wait),
        Body::Output(_) | Body::Builder(_) => Err(Errno::EBADF.into()),
        Body::Pipe(end) => end.read(caller, io, wait),
    }
}

/// Writes at `position`, or at the file's offset, which then moves.
pub(super) fn write(
    caller: &Caller,
    file: &OpenFile,
    io: &mut Transfer,
    position: Option<u64>,
) -> SysResult {
    verify(file, file.flags().writes(), position)?;
    let wait = !file.flags().contains(Flags::NONBLOCK);
    match &file.body {
        Body::Tmp(node) => write_tmp(caller, file, node, io, position),
        Body::Device(device) => write_device(*device, io),
        Body::Text(Node::Proc(proc), _) => write_text(caller, proc, io),
        Body::PageMap(..) => Err(Errno::EINVAL.into()),
        Body::Bytes(..)
        | Body::Text(..)
        | Body::Place(_)
        | Body::Input
        | Body::Far(_)
        | Body::Vmo(_) => Err(Errno::EBADF.into()),
        Body::Terminal(_, output) => tty::write(caller, io, *output),
        Body::Output(output) => tty::write_plain(io, *output),
        Body::Pipe(end) => {
            let packet = file.flags().contains(Flags::DIRECT);
            end.write(caller, io, wait, packet)
        }
        Body::Builder(builder) => append(builder, io),
    }
}

/// Checks what Linux checks first: that the file has positions if one is named (ESPIPE), and that it is open for this (EBADF).
fn verify(file: &OpenFile, opened_for_this: bool, position: Option<u64>) -> Result<(), Errno> {
    if position.is_some() && !file.has_positions() {
        return Err(Errno::ESPIPE);
    }
    if opened_for_this {
        Ok(())
    } else {
        Err(Errno::EBADF)
    }
}

/// Moves bytes with `step`, which gets the position and answers how many it moved (0: the end).
fn positioned(
    file: &OpenFile,
    io: &mut Transfer,
    position: Option<u64>,
    mut step: impl FnMut(&mut Transfer, u64) -> Result<usize, Stop>,
) -> SysResult {
    let mut offset = file.offset.lock();
    let mut at = match position {
        Some(position) => position + io.done() as u64,
        None => *offset,
    };
    let end = at.checked_add(io.left() as u64);
    if end.is_none_or(|end| end > LEN_MAX) {
        return Err(Errno::EINVAL.into());
    }
    while io.left() > 0 {
        match step(io, at) {
            Ok(0) => break,
            Ok(n) => at += n as u64,
            Err(stop) => {
                io.stopped(stop)?;
                break;
            }
        }
        if position.is_none() {
            *offset = at;
        }
        io.pause()?;
    }
    Ok(io.done())
}

fn read_bytes(
    file: &OpenFile,
    bytes: &[u8],
    io: &mut Transfer,
    position: Option<u64>,
) -> SysResult {
    positioned(file, io, position, |io, at| {
        let rest = usize::try_from(at)
            .ok()
            .and_then(|at| bytes.get(at..))
            .unwrap_or(&[]);
        if rest.is_empty() { Ok(0) } else { io.put(rest) }
    })
}

/// Words about pages; EINVAL for parts of them. The space of another program, which the process executes by now, has none.
fn read_page_map(
    file: &OpenFile,
    space: &Weak<Space>,
    io: &mut Transfer,
    position: Option<u64>,
) -> SysResult {
    const WORD: usize = size_of::<u64>();
    const WORDS: usize = 64;
    positioned(file, io, position, |io, at| {
        if !at.is_multiple_of(WORD as u64) || !io.left().is_multiple_of(WORD) {
            return Err(Errno::EINVAL.into());
        }
        let first = at / WORD as u64;
        let end = (USER_END / PAGE_SIZE) as u64;
        let n = (io.left() / WORD).min(WORDS);
        let n = n.min(usize::try_from(end.saturating_sub(first)).unwrap_or(0));
        let Some(space) = space.upgrade() else {
            return Ok(0);
        };
        let mut words = [0; WORDS];
        proc::page_map(&space, first, &mut words[..n]);
        let bytes = words.map(u64::to_le_bytes);
        if n == 0 {
            Ok(0)
        } else {
            io.put(bytes[..n].as_flattened())
        }
    })
}

/// Writes to a text of `/proc`, all at once: more than a few bytes mean nothing there.
fn write_text(caller: &Caller, proc: &Proc, io: &mut Transfer) -> SysResult {
    let mut block = [0; 128];
    let n = io.left().min(block.len());
    let n = io.take(&mut block[..n])?;
    proc.write(&caller.identity(), &block[..n])?;
    Ok(io.done())
}

fn read_object(
    file: &OpenFile,
    handle: &Handle,
    io: &mut Transfer,
    position: Option<u64>,
) -> SysResult {
    if !handle.rights().contains(Rights::READ) {
        return Err(Errno::EBADF.into());
    }
    positioned(file, io, position, |io, at| {
        let left = handle.size().saturating_sub(at);
        let n = io.left().min(usize::try_from(left).unwrap_or(usize::MAX));
        let mut block = [0; BLOCK];
        let block = &mut block[..n.min(BLOCK)];
        handle.read(at, block)?;
        if n == 0 { Ok(0) } else { io.put(block) }
    })
}

/// Writes to the end of what is being built.
fn append(builder: &BuilderFile, io: &mut Transfer) -> SysResult {
    while io.left() > 0 {
        let mut block = [0; BLOCK];
        let n = io.left().min(BLOCK);
        let done = io
            .take(&mut block[..n])
            .and_then(|n| Ok(builder.append(&block[..n]).inspect_err(|_| io.untake(n))?));
        if let Err(stop) = done {
            io.stopped(stop)?;
            break;
        }
        io.pause()?;
    }
    Ok(io.done())
}

fn read_tmp(
    file: &OpenFile,
    node: &TmpNode,
    io: &mut Transfer,
    position: Option<u64>,
) -> SysResult {
    let content = content(node)?;
    let result = positioned(file, io, position, |io, at| {
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

fn write_tmp(
    caller: &Caller,
    file: &OpenFile,
    node: &TmpNode,
    io: &mut Transfer,
    position: Option<u64>,
) -> SysResult {
    let content = content(node)?;
    if io.total() == 0 {
        return Ok(0);
    }
    let limit = caller.file_limit();
    let result = if file.flags().contains(Flags::APPEND) {
        append_tmp(file, content, io, position.is_none(), limit)
    } else {
        overwrite_tmp(file, content, io, position, limit)
    };
    written(&caller.identity(), node);
    result
}

/// Notes that somebody has changed the bytes of a file, or tried.
pub(super) fn written(who: &Identity, node: &TmpNode) {
    let now = facts::wall();
    node.change(|attributes| {
        (attributes.mtime, attributes.ctime) = (now, now);
        attributes.mode = permission::mode_after_write(who, Guard::from(&*attributes));
    });
}

/// Writes to the end of a file; each piece is in one place, whoever else appends.
fn append_tmp(
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

fn overwrite_tmp(
    file: &OpenFile,
    content: &Content,
    io: &mut Transfer,
    position: Option<u64>,
    limit: u64,
) -> SysResult {
    positioned(file, io, position, |io, at| {
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

/// The content of a regular file in `/tmp`.
pub(super) fn content(node: &TmpNode) -> Result<&Content, Errno> {
    match &node.content {
        tmp::Content::File(content) => Ok(content),
        tmp::Content::Directory => Err(Errno::EISDIR),
        tmp::Content::Link(_) => Err(Errno::ELOOP),
    }
}

fn read_device(device: Device, io: &mut Transfer) -> SysResult {
    let mut block = [0; BLOCK];
    while io.left() > 0 {
        match device {
            Device::Null => break,
            Device::Random | Device::Urandom => {
                for piece in block.chunks_mut(RANDOM_PIECE) {
                    random::fill(piece);
                    cpu::let_interrupts_in();
                }
            }
            _ => {}
        }
        if let Err(stop) = io.put(&block) {
            io.stopped(stop)?;
            break;
        }
        io.pause()?;
    }
    Ok(io.done())
}

fn write_device(device: Device, io: &mut Transfer) -> SysResult {
    match device {
        Device::Full if io.left() > 0 => Err(Errno::ENOSPC.into()),
        // As on Linux, what is thrown away is not even looked at.
        _ => Ok(io.total()),
    }
}
