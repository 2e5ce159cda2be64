//! Locks: flock(2), and fcntl(2) with F_SETLK and kin. Only those of files in this torus's `/tmp` keep anybody out.

use super::super::locks::{By, locked, open_file, process};
use super::super::open::OpenFile;
use super::file;
use crate::mem::user::{read_value, write_value};
use crate::syscall::call::{Call, SysResult};
use crate::syscall::errno::Errno;
use braid_files::locks::{Kind, Lock};

const F_RDLCK: u16 = 0;
const F_WRLCK: u16 = 1;
const F_UNLCK: u16 = 2;
/// Where struct flock has its process number.
const PID: usize = 24;

/// What is asked of a record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// F_GETLK, F_OFD_GETLK.
    Get,
    /// F_SETLK, F_OFD_SETLK.
    Set,
    /// F_SETLKW, F_OFD_SETLKW.
    Wait,
}

/// A record lock of fcntl(2): of the process, or of the open file.
pub(super) fn record(call: &mut Call, ask: Ask, of_file: bool) -> SysResult {
    let file = file(call)?;
    let [kind, start, len, pid]: [u64; 4] = read_value(call.size(2))?;
    if of_file && pid as i32 != 0 {
        return Err(Errno::EINVAL.into());
    }
    let (start, end) = range(
        &file,
        (kind >> 16) as u16,
        start.cast_signed(),
        len.cast_signed(),
    )?;
    let wanted = match kind as u16 {
        F_RDLCK => Some(Kind::Shared),
        F_WRLCK => Some(Kind::Exclusive),
        F_UNLCK if ask != Ask::Get => None,
        _ => return Err(Errno::EINVAL.into()),
    };
    let lock = Lock {
        owner: if of_file {
            open_file(&file)
        } else {
            process(&call.process.files)
        },
        pid: if of_file { -1 } else { call.process.pid.raw() },
        kind: wanted.unwrap_or(Kind::Shared),
        start,
        end,
    };
    if ask == Ask::Get {
        let held = locked(&file).and_then(|content| content.locks.in_the_way(&lock));
        return tell(call.size(2), held);
    }
    let may = match wanted {
        Some(Kind::Shared) => file.flags().reads(),
        Some(Kind::Exclusive) => file.flags().writes(),
        None => true,
    };
    if !may {
        return Err(Errno::EBADF.into());
    }
    let Some(content) = locked(&file) else {
        return Ok(0);
    };
    match wanted {
        Some(_) => content.locks.set(By::Fcntl, lock, ask == Ask::Wait)?,
        None => content.locks.clear(By::Fcntl, &lock)?,
    }
    Ok(0)
}

/// First byte and end of a range, which is counted from the file's start, its offset, or its end.
fn range(file: &OpenFile, whence: u16, start: i64, len: i64) -> Result<(u64, u64), Errno> {
    let base = match whence {
        0 => 0,
        1 => *file.offset.lock(),
        2 => file.stat().size,
        _ => return Err(Errno::EINVAL),
    };
    let start = base.checked_add_signed(start).ok_or(Errno::EINVAL)?;
    if start > i64::MAX as u64 {
        return Err(Errno::EOVERFLOW);
    }
    match len {
        0 => Ok((start, u64::MAX)),
        1.. => {
            let end = start + len as u64;
            if end - 1 > i64::MAX as u64 {
                return Err(Errno::EOVERFLOW);
            }
            Ok((start, end))
        }
        _ => {
            let first = start.checked_add_signed(len).ok_or(Errno::EINVAL)?;
            Ok((first, start))
        }
    }
}

/// Writes what is in the way, or that nothing is.
fn tell(address: usize, held: Option<Lock>) -> SysResult {
    let Some(held) = held else {
        write_value(address, F_UNLCK)?;
        return Ok(0);
    };
    let kind = match held.kind {
        Kind::Shared => F_RDLCK,
        Kind::Exclusive => F_WRLCK,
    };
    let len = if held.end == u64::MAX {
        0
    } else {
        held.end - held.start
    };
    write_value(address, [kind, 0])?;
    write_value(address + 8, [held.start, len])?;
    write_value(address + PID, held.pid)?;
    Ok(0)
}

/// flock(2).
pub fn flock(call: &mut Call) -> SysResult {
    const LOCK_NB: u64 = 4;
    let file = file(call)?;
    let wanted = match call.args[1] & !LOCK_NB {
        1 => Some(Kind::Shared),
        2 => Some(Kind::Exclusive),
        8 => None,
        _ => return Err(Errno::EINVAL.into()),
    };
    let Some(content) = locked(&file) else {
        return Ok(0);
    };
    let lock = Lock {
        owner: open_file(&file),
        pid: -1,
        kind: wanted.unwrap_or(Kind::Shared),
        start: 0,
        end: u64::MAX,
    };
    match wanted {
        Some(_) => content
            .locks
            .set(By::Flock, lock, call.args[1] & LOCK_NB == 0)?,
        None => content.locks.clear(By::Flock, &lock)?,
    }
    Ok(0)
}
