//! Nice values: getpriority(2), setpriority(2). What they do is [`braid_threads::fair`]'s.

use super::limits::NICE as NICE_LIMIT;
use super::{Pid, Process, table};
use crate::syscall::call::{Call, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_threads::fair::NICE;
use core::sync::atomic::Ordering;
use fallible::TryVec;

/// What getpriority answers for nice 0: larger is nicer to the process, and never negative.
const ZERO: i32 = 20;

/// The processes of this torus that the first two arguments mean. EINVAL for an unknown kind.
fn meant(call: &Call) -> Result<Vec<Arc<Process>>, Errno> {
    const PROCESS: i32 = 0;
    const GROUP: i32 = 1;
    const USER: i32 = 2;
    let (me, who) = (call.process, call.int(1));
    let named = match (call.int(0), who) {
        (PROCESS, 0) => Some(me.pid),
        (GROUP, 0) => Some(table().group_of(me.pid)),
        (PROCESS | GROUP, who) => Some(Pid::from_raw(who).ok_or(Errno::ESRCH)?),
        (USER, _) => None,
        _ => return Err(Errno::EINVAL),
    };
    let user = match who {
        0 => me.credentials.lock().user.real,
        who => who as u32,
    };
    let mut found = Vec::new();
    for process in table().living() {
        let is_meant = match (call.int(0), named) {
            (PROCESS, Some(pid)) => process.pid == pid,
            (_, Some(group)) => table().group_of(process.pid) == group,
            (_, None) => process.credentials.lock().user.real == user,
        };
        if is_meant {
            found.try_push(process)?;
        }
    }
    Ok(found)
}

fn nice_of(process: &Process) -> Option<i32> {
    Some(process.thread()?.nice.load(Ordering::Relaxed))
}

/// getpriority(2).
pub fn getpriority(call: &mut Call) -> SysResult {
    let meant = meant(call)?;
    let best = meant.iter().filter_map(|process| nice_of(process)).min();
    let best = best.ok_or(Errno::ESRCH)?;
    Ok((ZERO - best) as usize)
}

/// setpriority(2).
pub fn setpriority(call: &mut Call) -> SysResult {
    let nice = call.int(2).clamp(*NICE.start(), *NICE.end());
    let mut result = Err(Errno::ESRCH);
    for process in meant(call)? {
        match (set(call.process, &process, nice), result) {
            (Ok(()), Err(Errno::ESRCH)) => result = Ok(0),
            (Ok(()), _) => {}
            (Err(errno), _) => result = Err(errno),
        }
    }
    Ok(result?)
}

/// Sets a process's nice value. EPERM for another user's, EACCES for a lower one than its limit lets the caller choose.
fn set(me: &Process, process: &Process, nice: i32) -> Result<(), Errno> {
    let own = *me.credentials.lock();
    if !own.may_renice(&process.credentials.lock()) {
        return Err(Errno::EPERM);
    }
    let thread = process.thread().ok_or(Errno::ESRCH)?;
    let least = process.limits.lock().current(NICE_LIMIT);
    let allowed = (ZERO - nice) as u64 <= least;
    if nice < thread.nice.load(Ordering::Relaxed) && !allowed && !own.is_privileged() {
        return Err(Errno::EACCES);
    }
    thread.nice.store(nice, Ordering::Relaxed);
    Ok(())
}
