//! Nice values: getpriority(2), setpriority(2). What they do is [`braid_threads::fair`]'s.

use super::limits::NICE as NICE_LIMIT;
use super::{Pid, Process, order, table};
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use braid_threads::fair::NICE;
use torus::family::{Answer, By, Members, Order};

/// What getpriority answers for nice 0: larger is nicer to the process, and never negative.
const ZERO: i32 = 20;

/// Has the processes that the first two arguments mean tell or change their nice values. EINVAL for an unknown kind.
fn give(call: &mut Call, new: Option<i32>) -> Result<Answer, Stop> {
    const PROCESS: i32 = 0;
    const GROUP: i32 = 1;
    const USER: i32 = 2;
    let members = match (call.int(0), call.int(1)) {
        (PROCESS, pid) => return order::give(call, pid, Order::Nice { new }),
        (GROUP, 0) => Members::Group(table().group_of(call.process.pid)),
        (GROUP, group) => Members::Group(Pid::from_raw(group).ok_or(Errno::ESRCH)?),
        (USER, 0) => Members::User(call.process.credentials.lock().user.real),
        (USER, user) => Members::User(user.cast_unsigned()),
        _ => return Err(Errno::EINVAL.into()),
    };
    order::give_nice(call, members, new)
}

/// getpriority(2).
pub fn getpriority(call: &mut Call) -> SysResult {
    Ok(give(call, None)?.result as usize)
}

/// setpriority(2).
pub fn setpriority(call: &mut Call) -> SysResult {
    let nice = call.int(2).clamp(*NICE.start(), *NICE.end());
    give(call, Some(nice))?;
    Ok(0)
}

/// Tells a process's nice value as getpriority does, or sets it. EPERM for another user's, EACCES for a lower one than its limit lets who asks
/// choose.
pub fn obey(process: &Process, by: By, new: Option<i32>) -> Result<i32, Errno> {
    let thread = process.thread().ok_or(Errno::ESRCH)?;
    let Some(nice) = new else {
        return Ok(ZERO - thread.nice());
    };
    let own = order::credentials(by);
    if process.pid != by.pid && !own.may_renice(&process.credentials.lock()) {
        return Err(Errno::EPERM);
    }
    let least = process.limits.lock().current(NICE_LIMIT);
    let allowed = (ZERO - nice) as u64 <= least;
    if nice < thread.nice() && !allowed && !own.is_privileged() {
        return Err(Errno::EACCES);
    }
    thread.set_nice(nice);
    Ok(0)
}
