//! Locks of files: fcntl(2) with F_SETLK and kin, flock(2). Only those of files in `/tmp` keep anybody out.

use super::super::caller::Caller;
use super::super::locks::{By, process};
use super::super::open::OpenFile;
use super::subject::{Outcome, bytes};
use crate::process::Pid;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use braid_files::locks::{Kind, Lock};
use braid_files::remote::ask::{LockAction, LockOwner, LockWish};

/// Of struct flock.
pub const F_RDLCK: u32 = 0;
/// Of struct flock.
pub const F_WRLCK: u32 = 1;
/// Of struct flock.
pub const F_UNLCK: u32 = 2;

/// Does what is wished. The bytes of a look are the struct flock of what is in the way, none when nothing is.
pub(super) fn lock(caller: &dyn Caller, file: &OpenFile, wish: &LockWish) -> Result<Outcome, Stop> {
    let (start, end) = range(file, wish)?;
    let wanted = match wish.kind {
        F_RDLCK => Some(Kind::Shared),
        F_WRLCK => Some(Kind::Exclusive),
        F_UNLCK if wish.action != LockAction::Look => None,
        _ => return Err(Errno::EINVAL.into()),
    };
    let (owner, pid) = match wish.owner {
        LockOwner::Process => {
            let pid = Pid::from_raw(wish.pid).ok_or(Errno::EINVAL)?;
            (process(pid), wish.pid)
        }
        LockOwner::OpenFile | LockOwner::Whole => (file.owner(), -1),
    };
    let lock = Lock {
        owner,
        pid,
        kind: wanted.unwrap_or(Kind::Shared),
        start,
        end,
    };
    let content = file.content();
    if wish.action == LockAction::Look {
        let held = content.and_then(|content| content.locks.in_the_way(&lock));
        return Ok(Outcome::Bytes(held.map_or(Ok(bytes(&[])?), tell)?));
    }
    let by = match wish.owner {
        LockOwner::Whole => By::Flock,
        _ => By::Fcntl,
    };
    let may = by == By::Flock
        || match wanted {
            Some(Kind::Shared) => file.flags().reads(),
            Some(Kind::Exclusive) => file.flags().writes(),
            None => true,
        };
    if !may {
        return Err(Errno::EBADF.into());
    }
    let Some(content) = content else {
        return Ok(Outcome::Done(0));
    };
    match wanted {
        Some(_) => {
            let set = content.locks.set(by, lock, wish.action == LockAction::Wait);
            if let (Err(Stop::Block), LockOwner::Process) = (set, wish.owner) {
                caller.waits_for_record();
            }
            set?;
        }
        None => content.locks.clear(by, &lock)?,
    }
    Ok(Outcome::Done(0))
}

/// First byte and end of a range, which is counted from the file's start, its offset, or its end.
fn range(file: &OpenFile, wish: &LockWish) -> Result<(u64, u64), Errno> {
    let base = match wish.whence {
        0 => 0,
        1 => *file.offset.lock(),
        2 => file.stat().size,
        _ => return Err(Errno::EINVAL),
    };
    let start = base.checked_add_signed(wish.start).ok_or(Errno::EINVAL)?;
    if start > i64::MAX as u64 {
        return Err(Errno::EOVERFLOW);
    }
    match wish.len {
        0 => Ok((start, u64::MAX)),
        1.. => {
            let end = start + wish.len as u64;
            if end - 1 > i64::MAX as u64 {
                return Err(Errno::EOVERFLOW);
            }
            Ok((start, end))
        }
        _ => {
            let first = start.checked_add_signed(wish.len).ok_or(Errno::EINVAL)?;
            Ok((first, start))
        }
    }
}

/// The struct flock of a lock.
fn tell(held: Lock) -> Result<alloc::vec::Vec<u8>, Errno> {
    let kind = match held.kind {
        Kind::Shared => F_RDLCK,
        Kind::Exclusive => F_WRLCK,
    };
    let len = if held.end == u64::MAX {
        0
    } else {
        held.end - held.start
    };
    let pid = u64::from(held.pid.cast_unsigned());
    bytes(
        [u64::from(kind), held.start, len, pid]
            .map(u64::to_le_bytes)
            .as_flattened(),
    )
}
