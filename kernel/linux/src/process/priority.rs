//! Nice values: getpriority(2), setpriority(2). What they do is [`braid_threads::fair`]'s.

use super::{Pid, order, table};
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use braid_threads::fair::NICE;
use torus::family::{Answer, Members, Order};

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
