//! Scheduling policies, and where threads may run: sched_setscheduler(2), sched_setaffinity(2) and their kin. The rules are
//! [`braid_threads::policy`]'s.

use super::order;
use crate::syscall::call::{Call, SysResult};
use crate::syscall::errno::Errno;
use braid_threads::policy::priorities;
use mem::user::{read_value, write_value};
use sched::SLICE;
use torus::family::Order;

/// Asks the process that the first argument means for its policy. EINVAL for negative numbers.
fn tell(call: &mut Call) -> SysResult {
    let pid = call.int(0);
    if pid < 0 {
        return Err(Errno::EINVAL.into());
    }
    Ok(order::give(call, pid, Order::TellPolicy)?.result as usize)
}

/// Has the process that the first argument means take a policy, with the priority that lies at an address.
fn give(call: &mut Call, policy: Option<u32>, at: usize) -> SysResult {
    let pid = call.int(0);
    if at == 0 || pid < 0 {
        return Err(Errno::EINVAL.into());
    }
    let priority: i32 = read_value(at)?;
    order::give(call, pid, Order::SetPolicy { policy, priority })?;
    Ok(0)
}

/// sched_setscheduler(2).
pub fn sched_setscheduler(call: &mut Call) -> SysResult {
    if call.int(1) < 0 {
        return Err(Errno::EINVAL.into());
    }
    let (policy, at) = (call.args[1] as u32, call.size(2));
    give(call, Some(policy), at)
}

/// sched_setparam(2).
pub fn sched_setparam(call: &mut Call) -> SysResult {
    let at = call.size(1);
    give(call, None, at)
}

/// sched_getscheduler(2).
pub fn sched_getscheduler(call: &mut Call) -> SysResult {
    tell(call)
}

/// sched_getparam(2): no policy that is to be had has a priority.
pub fn sched_getparam(call: &mut Call) -> SysResult {
    if call.args[1] == 0 {
        return Err(Errno::EINVAL.into());
    }
    tell(call)?;
    write_value(call.size(1), 0i32)?;
    Ok(0)
}

/// sched_get_priority_min(2).
pub fn sched_get_priority_min(call: &mut Call) -> SysResult {
    let (least, _) = priorities(call.int(0)).ok_or(Errno::EINVAL)?;
    Ok(least as usize)
}

/// sched_get_priority_max(2).
pub fn sched_get_priority_max(call: &mut Call) -> SysResult {
    let (_, most) = priorities(call.int(0)).ok_or(Errno::EINVAL)?;
    Ok(most as usize)
}

/// sched_rr_get_interval(2): a thread's time slice.
pub fn sched_rr_get_interval(call: &mut Call) -> SysResult {
    tell(call)?;
    write_value(call.size(1), [0, SLICE.get()])?;
    Ok(0)
}

/// sched_getaffinity(2): the cores of the torus on which the process lives.
pub fn sched_getaffinity(call: &mut Call) -> SysResult {
    let (pid, len) = (call.int(0), call.size(1));
    if !len.is_multiple_of(8) {
        return Err(Errno::EINVAL.into());
    }
    let cores = order::give(call, pid, Order::TellCores)?.result as usize;
    let bytes = cores.div_ceil(64) * 8;
    if len < bytes {
        return Err(Errno::EINVAL.into());
    }
    for word in 0..bytes / 8 {
        let bits = (cores - word * 64).min(64) as u32;
        let mask = u64::MAX.checked_shr(64 - bits).unwrap_or(0);
        write_value(call.size(2).wrapping_add(word * 8), mask)?;
    }
    Ok(bytes)
}

/// sched_setaffinity(2): checked, and then left to the scheduler.
pub fn sched_setaffinity(call: &mut Call) -> SysResult {
    let mut mask = 0u64;
    for index in 0..call.size(1).min(8) {
        let byte: u8 = read_value(call.size(2).wrapping_add(index))?;
        mask |= u64::from(byte) << (index * 8);
    }
    let pid = call.int(0);
    order::give(call, pid, Order::SetCores { mask })?;
    Ok(0)
}
