//! Process groups and sessions (setpgid(2), setsid(2)).

use super::{Pid, table};
use crate::syscall::call::{Call, SysResult};
use crate::syscall::errno::Errno;

/// setpgid(2).
pub fn setpgid(call: &mut Call) -> SysResult {
    let me = call.process.pid;
    let pid = if call.int(0) == 0 {
        me
    } else {
        Pid(call.int(0))
    };
    let group = if call.int(1) == 0 {
        pid
    } else {
        Pid(call.int(1))
    };
    if group.0 < 0 {
        return Err(Errno::EINVAL.into());
    }
    let mut inner = table().inner.lock();
    let my_session = inner
        .entries
        .get(&me.0)
        .map(|entry| entry.session)
        .ok_or(Errno::ESRCH)?;
    let exists = |session| {
        inner
            .entries
            .values()
            .any(|other| other.group == group && other.session == session)
    };
    let entry = inner.entries.get(&pid.0).ok_or(Errno::ESRCH)?;
    if pid != me && entry.parent != me {
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
    if let Some(entry) = inner.entries.get_mut(&pid.0) {
        entry.group = group;
    }
    Ok(0)
}

/// getpgid(2).
pub fn getpgid(call: &mut Call) -> SysResult {
    let pid = if call.int(0) == 0 {
        call.process.pid
    } else {
        Pid(call.int(0))
    };
    let inner = table().inner.lock();
    Ok(inner.entries.get(&pid.0).ok_or(Errno::ESRCH)?.group.0 as usize)
}

/// getpgrp(2).
pub fn getpgrp(call: &mut Call) -> SysResult {
    Ok(table().group_of(call.process.pid).0 as usize)
}

/// getsid(2).
pub fn getsid(call: &mut Call) -> SysResult {
    let pid = if call.int(0) == 0 {
        call.process.pid
    } else {
        Pid(call.int(0))
    };
    let inner = table().inner.lock();
    Ok(inner.entries.get(&pid.0).ok_or(Errno::ESRCH)?.session.0 as usize)
}

/// setsid(2).
pub fn setsid(call: &mut Call) -> SysResult {
    let me = call.process.pid;
    let mut inner = table().inner.lock();
    if inner.entries.values().any(|other| other.group == me) {
        return Err(Errno::EPERM.into());
    }
    let entry = inner.entries.get_mut(&me.0).ok_or(Errno::ESRCH)?;
    entry.group = me;
    entry.session = me;
    Ok(me.0 as usize)
}
