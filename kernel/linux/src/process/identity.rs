//! Small calls about the caller and its machine.

use super::{Name, Pid, table};
use crate::process::Thread;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use core::sync::atomic::Ordering;
use machine::cpu;
use machine::segment::Segments;
use mem::user::{USER_END, UserError, UserSlice, read_value, write_now, write_value};

/// What uname(2) says: the Linux whose calls are answered, for programs that look.
/// System, machine name, release, version, hardware and domain (uname(2)).
pub const UNAME: [&str; 6] = [
    "Linux",
    "braid",
    "6.1.0-braid",
    "#1 SMP Braid",
    "x86_64",
    "(none)",
];
const UNAME_FIELD: usize = 65;

/// getpid(2).
pub fn getpid(call: &mut Call) -> SysResult {
    Ok(call.process.pid.raw() as usize)
}

/// gettid(2).
pub fn gettid(call: &mut Call) -> SysResult {
    Ok(call.thread.tid.raw() as usize)
}

/// getppid(2).
pub fn getppid(call: &mut Call) -> SysResult {
    let parent = table().parent_of(call.process.pid);
    Ok(parent.map_or(0, Pid::raw) as usize)
}

/// set_tid_address(2).
pub fn set_tid_address(call: &mut Call) -> SysResult {
    call.thread.own().clear_child_tid.set(call.args[0]);
    gettid(call)
}

/// set_robust_list(2): with one thread per process nobody ever inherits a lock; the size is checked as on Linux.
pub fn set_robust_list(call: &mut Call) -> SysResult {
    if call.size(1) == 24 {
        Ok(0)
    } else {
        Err(Errno::EINVAL.into())
    }
}

/// uname(2).
pub fn uname(call: &mut Call) -> SysResult {
    let mut bytes = [0; 6 * UNAME_FIELD];
    for (field, text) in bytes.chunks_exact_mut(UNAME_FIELD).zip(UNAME) {
        field[..text.len()].copy_from_slice(text.as_bytes());
    }
    UserSlice::new(call.size(0), bytes.len())?.write(&bytes)?;
    Ok(0)
}

/// arch_prctl(2).
pub fn arch_prctl(call: &mut Call) -> SysResult {
    const SET_GS: i32 = 0x1001;
    const SET_FS: i32 = 0x1002;
    const GET_FS: i32 = 0x1003;
    const GET_GS: i32 = 0x1004;
    let value = call.args[1];
    match call.int(0) {
        SET_FS | SET_GS if value >= USER_END as u64 => return Err(Errno::EPERM.into()),
        SET_FS => Segments::save().with_fs(value).load(),
        SET_GS => Segments::save().with_gs(value).load(),
        GET_FS => write_value(call.size(1), Segments::save().fs_base)?,
        GET_GS => write_value(call.size(1), Segments::save().gs_base)?,
        _ => return Err(Errno::EINVAL.into()),
    }
    Ok(0)
}

/// prctl(2): names, and what is true of every process here.
pub fn prctl(call: &mut Call) -> SysResult {
    const SET_PDEATHSIG: i32 = 1;
    const GET_PDEATHSIG: i32 = 2;
    const GET_DUMPABLE: i32 = 3;
    const SET_DUMPABLE: i32 = 4;
    const SET_NAME: i32 = 15;
    const GET_NAME: i32 = 16;
    const SET_TIMERSLACK: i32 = 29;
    const GET_TIMERSLACK: i32 = 30;
    const SET_NO_NEW_PRIVS: i32 = 38;
    const GET_NO_NEW_PRIVS: i32 = 39;
    match call.int(0) {
        SET_NAME => {
            let mut name = [0; 16];
            for (index, byte) in name.iter_mut().take(15).enumerate() {
                *byte = read_value(call.size(1).wrapping_add(index))?;
                if *byte == 0 {
                    break;
                }
            }
            *call.process.name.lock() = Name(name);
            Ok(0)
        }
        GET_NAME => {
            let name = *call.process.name.lock();
            write_value(call.size(1), name.0)?;
            Ok(0)
        }
        GET_DUMPABLE => Ok(usize::from(call.process.credentials.lock().dumpable)),
        SET_DUMPABLE => match call.args[1] {
            on @ (0 | 1) => {
                call.process.credentials.lock().dumpable = on != 0;
                Ok(0)
            }
            _ => Err(Errno::EINVAL.into()),
        },
        SET_PDEATHSIG => {
            let signal = call.args[1];
            if signal > 64 {
                return Err(Errno::EINVAL.into());
            }
            let of = &call.process.at_parents_end;
            of.store(signal as u32, Ordering::Relaxed);
            Ok(0)
        }
        GET_PDEATHSIG => {
            let of = &call.process.at_parents_end;
            write_value(call.size(1), of.load(Ordering::Relaxed))?;
            Ok(0)
        }
        GET_TIMERSLACK => Ok(50_000),
        SET_NO_NEW_PRIVS if call.args[1..5] != [1, 0, 0, 0] => Err(Errno::EINVAL.into()),
        SET_NO_NEW_PRIVS => {
            call.process.credentials.lock().no_new_privileges = true;
            Ok(0)
        }
        GET_NO_NEW_PRIVS if call.args[1..5] != [0; 4] => Err(Errno::EINVAL.into()),
        GET_NO_NEW_PRIVS => Ok(usize::from(
            call.process.credentials.lock().no_new_privileges,
        )),
        SET_TIMERSLACK => Ok(0),
        _ => Err(Errno::EINVAL.into()),
    }
}

/// sched_yield(2).
pub fn sched_yield(_: &mut Call) -> SysResult {
    Thread::give_way();
    Ok(0)
}

/// getcpu(2): the core's number within the torus.
pub fn getcpu(call: &mut Call) -> SysResult {
    let here = cpu::this();
    if call.args[0] != 0 {
        write_value(call.size(0), here.core_in_torus as u32)?;
    }
    if call.args[1] != 0 {
        write_value(call.size(1), tori::here().id.index() as u32)?;
    }
    Ok(0)
}

/// getrandom(2).
pub fn getrandom(call: &mut Call) -> SysResult {
    const KNOWN: u64 = 7;
    if call.args[2] & !KNOWN != 0 {
        return Err(Errno::EINVAL.into());
    }
    let slice = UserSlice::new(call.size(0), call.size(1).min(mem::user::RW_MAX))?;
    let mut block = [0; 256];
    while call.inflight.done < slice.len() {
        let place = slice.skip(call.inflight.done);
        let n = place.len().min(block.len());
        crate::process::random::fill(&mut block[..n]);
        match write_now(&place, &block[..n]) {
            Err(error) if error != UserError::Wait && call.inflight.done > 0 => break,
            result => result?,
        }
        call.inflight.done += n;
        if call.inflight.done.is_multiple_of(2 * block.len()) && tori::pieces::pause() {
            return Err(Stop::Again);
        }
    }
    Ok(call.inflight.done)
}

/// Asks for the personality without a change.
const QUERY: u32 = u32::MAX;

/// personality(2): answers the one before.
pub fn personality(call: &mut Call) -> SysResult {
    let own = &call.process.personality;
    let old = own.bits();
    let new = call.args[0] as u32;
    if new != QUERY {
        own.set(new);
    }
    Ok(old as usize)
}
