//! Calls about resource limits: getrlimit(2), setrlimit(2), prlimit(2).

use super::limits::{COUNT, CPU, NOFILE, NR_OPEN};
use super::{Process, order};
use crate::memory::calls::vm_limits;
use crate::syscall::call::{Call, SysResult};
use crate::syscall::errno::Errno;
use mem::user::{read_value, write_value};
use torus::family::{Answer, By, Order};

/// Tells a process's limit of a resource, and gives it another one, if that is asked for and who asks may.
pub fn obey(
    process: &Process,
    by: By,
    resource: u32,
    new: Option<[u64; 2]>,
) -> Result<Answer, Errno> {
    let own = order::credentials(by);
    if process.pid != by.pid && !own.may_control(&process.credentials.lock()) {
        return Err(Errno::EPERM);
    }
    let resource = resource as usize;
    if resource >= COUNT {
        return Err(Errno::EINVAL);
    }
    let mut limits = process.limits.lock();
    let limit = limits.words()[resource];
    if let Some([current, maximum]) = new {
        if current > maximum {
            return Err(Errno::EINVAL);
        }
        let beyond = resource == NOFILE && maximum > NR_OPEN;
        if beyond || (maximum > limit[1] && !own.is_privileged()) {
            return Err(Errno::EPERM);
        }
        limits.set(resource, [current, maximum]);
    }
    drop(limits);
    if new.is_some() && resource == CPU {
        super::timers::renew(process);
    }
    Ok(Answer { result: 0, limit })
}

fn exchange(call: &mut Call, pid: i32, resource: u32, new: usize, old: usize) -> SysResult {
    let new: Option<[u64; 2]> = if new == 0 {
        None
    } else {
        Some(read_value(new)?)
    };
    let before = order::give(call, pid, Order::Limit { resource, new })?.limit;
    if new.is_some() && !order::is_for_another(call, pid) {
        call.process.spread_limits();
    }
    if old != 0 {
        write_value(old, before)?;
    }
    Ok(0)
}

impl Process {
    /// Tells the process's address space of its limits.
    pub fn spread_limits(&self) {
        if let Some(space) = self.space() {
            let limits = vm_limits(&self.limits.lock());
            space.look(|space| space.limits = limits);
        }
    }
}

/// prlimit64(2).
pub fn prlimit64(call: &mut Call) -> SysResult {
    let (pid, resource) = (call.int(0), call.args[1] as u32);
    exchange(call, pid, resource, call.size(2), call.size(3))
}

/// getrlimit(2).
pub fn getrlimit(call: &mut Call) -> SysResult {
    let resource = call.args[0] as u32;
    exchange(call, 0, resource, 0, call.size(1))
}

/// setrlimit(2).
pub fn setrlimit(call: &mut Call) -> SysResult {
    if call.args[1] == 0 {
        return Err(Errno::EFAULT.into());
    }
    let resource = call.args[0] as u32;
    exchange(call, 0, resource, call.size(1), 0)
}
