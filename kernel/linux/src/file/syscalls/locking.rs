//! Locks: flock(2), and fcntl(2) with F_SETLK and kin.

use super::super::service::Outcome;
use super::super::service::locks::{F_RDLCK, F_UNLCK, F_WRLCK};
use super::dispatch::about_file;
use super::file;
use crate::file::context::HasFiles as _;
use crate::syscall::call::{Call, SysResult};
use crate::syscall::errno::Errno;
use braid_files::remote::ask::{LockAction, LockOwner, LockWish, Request};
use mem::user::{read_value, write_value};

/// Bytes of struct flock.
const FLOCK: usize = 32;

/// A record lock of fcntl(2): of the process, or of the open file.
pub(super) fn record(call: &mut Call, action: LockAction, owner: LockOwner) -> SysResult {
    let file = file(call)?;
    let [kind, start, len, pid]: [u64; 4] = read_value(call.size(2))?;
    if owner == LockOwner::OpenFile && pid as i32 != 0 {
        return Err(Errno::EINVAL.into());
    }
    if file.remote().is_some() && owner == LockOwner::Process {
        call.process.files().note_remote_records();
    }
    let wish = LockWish {
        owner,
        action,
        pid: call.process.pid.raw(),
        kind: u32::from(kind as u16),
        whence: u32::from((kind >> 16) as u16),
        start: start.cast_signed(),
        len: len.cast_signed(),
    };
    match about_file(call, file, Request::Lock { wish })? {
        Outcome::Bytes(held) if held.is_empty() => {
            write_value(call.size(2), F_UNLCK as u16)?;
            Ok(0)
        }
        held @ Outcome::Bytes(_) => held.write_to(call.size(2), FLOCK).map(|_| 0),
        done => done.number(),
    }
}

/// flock(2).
pub fn flock(call: &mut Call) -> SysResult {
    const LOCK_NB: u64 = 4;
    let file = file(call)?;
    let kind = match call.args[1] & !LOCK_NB {
        1 => F_RDLCK,
        2 => F_WRLCK,
        8 => F_UNLCK,
        _ => return Err(Errno::EINVAL.into()),
    };
    let action = if call.args[1] & LOCK_NB == 0 {
        LockAction::Wait
    } else {
        LockAction::Try
    };
    let wish = LockWish {
        owner: LockOwner::Whole,
        action,
        pid: call.process.pid.raw(),
        kind,
        whence: 0,
        start: 0,
        len: 0,
    };
    about_file(call, file, Request::Lock { wish })?.number()
}
