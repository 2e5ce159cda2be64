//! read, write and their kin; lseek, truncate, fsync.

use super::super::content::LEN_MAX;
use super::super::io::Transfer;
use super::super::open::{Body, Flags, OpenFile};
use super::super::tree::Node;
use super::super::{machine, transfer, tty};
use super::{file, find, path};
use crate::mem::user::UserBuffers;
use crate::syscall::call::{Call, SysResult};
use crate::syscall::errno::Errno;
use braid_files::archive::{S_IFDIR, S_IFMT, S_IFREG};

fn read_into(call: &mut Call, buffers: UserBuffers, position: Option<u64>) -> SysResult {
    let file = file(call)?;
    let caller = tty::Caller::of(call);
    transfer::read(
        &caller,
        &file,
        &mut Transfer::new(buffers, call.inflight),
        position,
    )
}

fn write_from(call: &mut Call, buffers: UserBuffers, position: Option<u64>) -> SysResult {
    let file = file(call)?;
    transfer::write(call, &file, buffers, position)
}

/// The position in argument 3 of pread and pwrite. EINVAL for a negative one.
fn position(call: &Call) -> Result<u64, Errno> {
    if call.args[3] > LEN_MAX {
        Err(Errno::EINVAL)
    } else {
        Ok(call.args[3])
    }
}

/// The buffer of read, write, pread and pwrite. The descriptor is judged before the buffer.
fn one(call: &Call) -> Result<UserBuffers, Errno> {
    file(call)?;
    UserBuffers::one(call.size(1), call.size(2))
}

/// The buffers of readv and kin.
fn vector(call: &Call) -> Result<UserBuffers, crate::syscall::call::Stop> {
    file(call)?;
    UserBuffers::vector(call.size(1), call.size(2))
}

/// read(2).
pub fn read(call: &mut Call) -> SysResult {
    let buffers = one(call)?;
    read_into(call, buffers, None)
}

/// write(2).
pub fn write(call: &mut Call) -> SysResult {
    let buffers = one(call)?;
    write_from(call, buffers, None)
}

/// readv(2).
pub fn readv(call: &mut Call) -> SysResult {
    let buffers = vector(call)?;
    read_into(call, buffers, None)
}

/// writev(2).
pub fn writev(call: &mut Call) -> SysResult {
    let buffers = vector(call)?;
    write_from(call, buffers, None)
}

/// pread64(2).
pub fn pread64(call: &mut Call) -> SysResult {
    let position = position(call)?;
    let buffers = one(call)?;
    read_into(call, buffers, Some(position))
}

/// pwrite64(2).
pub fn pwrite64(call: &mut Call) -> SysResult {
    let position = position(call)?;
    let buffers = one(call)?;
    write_from(call, buffers, Some(position))
}

/// preadv(2).
pub fn preadv(call: &mut Call) -> SysResult {
    let position = position(call)?;
    let buffers = vector(call)?;
    read_into(call, buffers, Some(position))
}

/// pwritev(2).
pub fn pwritev(call: &mut Call) -> SysResult {
    let position = position(call)?;
    let buffers = vector(call)?;
    write_from(call, buffers, Some(position))
}

/// sendfile(2) and copy_file_range(2): no pair of files supports it; programs then copy by reading and writing.
pub fn sendfile(call: &mut Call) -> SysResult {
    file(call)?;
    call.process.files.get(call.int(1))?;
    Err(Errno::EINVAL.into())
}

/// copy_file_range(2): as [`sendfile`], whose descriptors are in other places.
pub fn copy_file_range(call: &mut Call) -> SysResult {
    file(call)?;
    call.process.files.get(call.int(2))?;
    Err(Errno::EINVAL.into())
}

/// lseek(2).
pub fn lseek(call: &mut Call) -> SysResult {
    const SET: u64 = 0;
    const CUR: u64 = 1;
    const END: u64 = 2;
    const DATA: u64 = 3;
    const HOLE: u64 = 4;
    let file = file(call)?;
    let size = match &file.body {
        Body::Pipe(_) | Body::Terminal(_) | Body::Input | Body::Output(_) => {
            return Err(Errno::ESPIPE.into());
        }
        Body::Device(_) => return Ok(0),
        Body::Text(_, text) => text.len() as u64,
        _ => file.stat().size,
    };
    let wanted = call.args[1] as i64;
    let mut offset = file.offset.lock();
    let base = match call.args[2] {
        SET => 0,
        CUR => *offset,
        END => size,
        DATA | HOLE if wanted < 0 || wanted as u64 >= size => return Err(Errno::ENXIO.into()),
        DATA => 0,
        HOLE => size - wanted as u64,
        _ => return Err(Errno::EINVAL.into()),
    };
    let at = (base as i64).checked_add(wanted).ok_or(Errno::EOVERFLOW)?;
    *offset = u64::try_from(at).map_err(|_| Errno::EINVAL)?;
    Ok(at as usize)
}

/// The length in an argument of truncate. EINVAL for a negative one.
fn length(call: &Call) -> Result<u64, Errno> {
    if call.args[1] > LEN_MAX {
        Err(Errno::EINVAL)
    } else {
        Ok(call.args[1])
    }
}

/// truncate(2).
pub fn truncate(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    let len = length(call)?;
    cut(&find(call, super::AT_FDCWD, &path, true)?, len)
}

/// ftruncate(2).
pub fn ftruncate(call: &mut Call) -> SysResult {
    let file = file(call)?;
    let len = length(call)?;
    match &file.body {
        Body::Tmp(node) if file.flags().writes() => cut(&Node::Tmp(node.clone()), len),
        _ => Err(Errno::EINVAL.into()),
    }
}

/// Sets the length of a file.
pub(super) fn cut(node: &Node, len: u64) -> SysResult {
    match node {
        Node::Tmp(node) => {
            transfer::content(node)?.truncate(len);
            let now = machine::wall();
            node.change(|attributes| (attributes.mtime, attributes.ctime) = (now, now));
            Ok(0)
        }
        node => Err(match node.stat().mode & S_IFMT {
            S_IFDIR => Errno::EISDIR,
            S_IFREG => Errno::EROFS,
            _ => Errno::EINVAL,
        }
        .into()),
    }
}

/// fsync(2), fdatasync(2): memory is as far as it goes.
pub fn fsync(call: &mut Call) -> SysResult {
    let file: &OpenFile = &*file(call)?;
    match file.body {
        Body::Pipe(_) | Body::Terminal(_) | Body::Input | Body::Output(_) => {
            Err(Errno::EINVAL.into())
        }
        _ if file.flags().contains(Flags::PATH) => Err(Errno::EBADF.into()),
        _ => Ok(0),
    }
}

/// sync(2).
pub fn sync(_: &mut Call) -> SysResult {
    Ok(0)
}
