//! What is done with an open file, but for moving its bytes.

use super::super::caller::Caller;
use super::super::claims::Claim;
use super::super::flags::Flags;
use super::super::open::OpenFile;
use super::super::tree::Node;
use super::super::{content, memory, tty};
use super::subject::{Subject, bytes};
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::vec::Vec;
use braid_files::archive::{S_IFDIR, S_IFMT, S_IFREG};
use braid_files::credentials::Identity;
use braid_files::permission::{self, Access};

/// Of ioctl(2): the mode of open(2)'s O_NONBLOCK; takes an int.
pub const FIONBIO: u32 = 0x5421;

pub(super) fn seek(file: &OpenFile, wanted: i64, whence: u32) -> Result<usize, Errno> {
    const SET: u32 = 0;
    const CUR: u32 = 1;
    const END: u32 = 2;
    const DATA: u32 = 3;
    const HOLE: u32 = 4;
    if !file.has_positions() {
        return Err(Errno::ESPIPE);
    }
    let Some(size) = file.end() else {
        return Ok(0);
    };
    let mut offset = file.offset.lock();
    let base = match whence {
        SET => 0,
        CUR => *offset,
        END => size,
        DATA | HOLE if wanted < 0 || wanted as u64 >= size => return Err(Errno::ENXIO),
        DATA => 0,
        HOLE => size - wanted as u64,
        _ => return Err(Errno::EINVAL),
    };
    let at = (base as i64).checked_add(wanted).ok_or(Errno::EOVERFLOW)?;
    *offset = u64::try_from(at).map_err(|_| Errno::EINVAL)?;
    Ok(at as usize)
}

/// F_GETFL: what open(2) opened is of any size.
pub(super) fn flags(file: &OpenFile) -> usize {
    let mut flags = file.flags();
    flags.set(Flags::LARGEFILE, !file.is_pipe());
    flags.bits() as usize
}

/// F_SETFL. EPERM when somebody else's file is to be read without a trace.
pub(super) fn set_flags(who: &Identity, file: &OpenFile, flags: u32) -> Result<usize, Errno> {
    let flags = Flags::from_bits_retain(flags);
    let new = flags - file.flags();
    if new.contains(Flags::NOATIME)
        && let Some(node) = file.node()
    {
        permission::check_owner(who, node.guard())?;
    }
    file.set_flags(flags);
    Ok(0)
}

/// fsync(2): memory is as far as it goes.
pub(super) fn sync(file: &OpenFile) -> Result<usize, Errno> {
    if file.is_pipe() || file.is_terminal() {
        Err(Errno::EINVAL)
    } else if file.flags().contains(Flags::PATH) {
        Err(Errno::EBADF)
    } else {
        Ok(0)
    }
}

pub(super) fn truncate(
    caller: &dyn Caller,
    who: &Identity,
    subject: &Subject,
    len: u64,
) -> Result<usize, Stop> {
    let limit = caller.file_limit();
    match subject {
        Subject::File(file) => match file.node() {
            Some(node @ Node::Tmp(_)) if file.content().is_some() && file.flags().writes() => {
                cut(who, &node, len, limit)
            }
            _ => Err(Errno::EINVAL.into()),
        },
        Subject::Target(_) => {
            let node = subject.node(Errno::EINVAL)?;
            match node.guard().mode & S_IFMT {
                S_IFREG => {}
                S_IFDIR => return Err(Errno::EISDIR.into()),
                _ => return Err(Errno::EINVAL.into()),
            }
            permission::check(who, node.guard(), Access::WRITE)?;
            let node = node.raised()?;
            let _claim = match &node {
                Node::Tmp(tmp) => Claim::to_write(tmp)?,
                _ => Claim::None,
            };
            cut(who, &node, len, limit)
        }
    }
}

/// Sets the length of a file that somebody may write to. EFBIG beyond `limit`.
pub(super) fn cut(who: &Identity, node: &Node, len: u64, limit: u64) -> Result<usize, Stop> {
    let Node::Tmp(node) = node else {
        return Err(Errno::EINVAL.into());
    };
    let content = content::of(node)?;
    if len > limit && len > content.len() {
        return Err(Errno::EFBIG.into());
    }
    content.truncate(len)?;
    memory::written(who, node);
    Ok(0)
}

/// Bytes that an ioctl(2) takes from where its argument points, if it takes any.
pub fn control_input(file: &OpenFile, request: u32) -> usize {
    match request {
        FIONBIO => size_of::<i32>(),
        request if file.is_terminal() => tty::ioctl::input(request),
        _ => 0,
    }
}

/// ioctl(2); answers the bytes that it leaves where its argument points.
pub(super) fn control(
    caller: &dyn Caller,
    file: &OpenFile,
    request: u32,
    argument: u64,
    input: &[u8],
) -> Result<Vec<u8>, Stop> {
    match request {
        FIONBIO => {
            let mut flags = file.flags();
            flags.set(Flags::NONBLOCK, input.iter().any(|&byte| byte != 0));
            file.set_flags(flags);
            Ok(Vec::new())
        }
        tty::ioctl::FIONREAD if file.is_regular() => {
            let left = file.stat().size.saturating_sub(*file.offset.lock());
            Ok(bytes(&(left as u32).to_le_bytes())?)
        }
        _ => file.control(caller, request, argument, input),
    }
}
