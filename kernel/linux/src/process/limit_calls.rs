//! Calls about resource limits: getrlimit(2), setrlimit(2), prlimit(2).

use super::order;
use crate::syscall::call::{Call, SysResult};
use crate::syscall::errno::Errno;
use mem::user::{read_value, write_value};
use torus::family::Order;

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
