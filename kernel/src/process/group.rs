//! Process groups and sessions (setpgid(2), setsid(2)).

use super::{Pid, table};
use crate::syscall::call::{Call, SysResult};
use crate::syscall::errno::Errno;

/// The process of a number, 0 being `own`.
fn or_own(number: i32, own: Pid) -> Result<Pid, Errno> {
    match number {
        0 => Ok(own),
        number => Pid::from_raw(number).ok_or(Errno::ESRCH),
    }
}

/// setpgid(2).
pub fn setpgid(call: &mut Call) -> SysResult {
    let me = call.process.pid;
    if call.int(1) < 0 {
        return Err(Errno::EINVAL.into());
    }
    let pid = or_own(call.int(0), me)?;
    let group = or_own(call.int(1), pid).map_err(|_| Errno::EPERM)?;
    let mut inner = table().inner.lock();
    let my_session = inner
        .entries
        .get(&me)
        .map(|entry| entry.session)
        .ok_or(Errno::ESRCH)?;
    let exists = |session| {
        inner
            .entries
            .values()
            .any(|other| other.group == group && other.session == session)
    };
    let entry = inner.entries.get(&pid).ok_or(Errno::ESRCH)?;
    if pid != me && entry.parent != Some(me) {
        return Err(Errno::ESRCH.into());
    }
    if pid != me && entry.executed {
        return Err(Errno::EACCES.into());
    }
    if entry.session != my_session || entry.session == pid {
        return Err(Errno::EPERM.into());
    }
    if group != pid && !exists(my_session) {
        return Err(Errno::EPERM.into());
    }
    if let Some(entry) = inner.entries.get_mut(&pid) {
        entry.group = group;
    }
    Ok(0)
}

/// getpgid(2).
pub fn getpgid(call: &mut Call) -> SysResult {
    let pid = or_own(call.int(0), call.process.pid)?;
    let inner = table().inner.lock();
    Ok(inner.entries.get(&pid).ok_or(Errno::ESRCH)?.group.raw() as usize)
}

/// getpgrp(2).
pub fn getpgrp(call: &mut Call) -> SysResult {
    Ok(table().group_of(call.process.pid).raw() as usize)
}

/// getsid(2).
pub fn getsid(call: &mut Call) -> SysResult {
    let pid = or_own(call.int(0), call.process.pid)?;
    let inner = table().inner.lock();
    Ok(inner.entries.get(&pid).ok_or(Errno::ESRCH)?.session.raw() as usize)
}

/// setsid(2).
pub fn setsid(call: &mut Call) -> SysResult {
    let me = call.process.pid;
    let mut inner = table().inner.lock();
    if inner.entries.values().any(|other| other.group == me) {
        return Err(Errno::EPERM.into());
    }
    let entry = inner.entries.get_mut(&me).ok_or(Errno::ESRCH)?;
    entry.group = me;
    entry.session = me;
    Ok(me.raw() as usize)
}
