//! Resource limits: getrlimit(2), setrlimit(2), prlimit(2).

use super::{Process, order};
use crate::memory::calls::vm_limits;
use crate::signal::DETAILS;
use crate::syscall::call::{Call, SysResult};
use crate::syscall::errno::Errno;
use mem::user::{read_value, write_value};
use torus::family::{Answer, By, Order};

/// No limit.
pub const INFINITY: u64 = u64::MAX;
/// How many resources there are (RLIM_NLIMITS).
const COUNT: usize = 16;
/// Seconds of processor time.
pub const CPU: usize = 0;
/// Bytes of a file.
pub const FSIZE: usize = 1;
/// Bytes of heap.
pub const DATA: usize = 2;
/// Bytes of stack.
pub const STACK: usize = 3;
/// Bytes of a core file.
pub const CORE: usize = 4;
/// Processes.
pub const NPROC: usize = 6;
/// Bytes of stack that a program may have, unless somebody says otherwise (_STK_LIM of Linux).
const DEFAULT_STACK: u64 = 8 << 20;
/// Descriptors.
pub const NOFILE: usize = 7;
/// Bytes of locked memory.
pub const MEMLOCK: usize = 8;
/// Bytes of address space.
pub const AS: usize = 9;
/// Signals that wait with what goes with them, of a process.
pub const SIGPENDING: usize = 11;
/// Bytes in message queues.
const MSGQUEUE: usize = 12;
/// 20 - the least nice value that may be chosen.
pub const NICE: usize = 13;
const RTPRIO: usize = 14;
/// Processes of a user.
const PROCESSES: u64 = 32768;
/// The most descriptors a process may ask for (fs.nr_open).
const NR_OPEN: u64 = 1 << 20;

/// The limits of a process: current and maximum, by resource.
#[derive(Clone, Copy, Debug)]
pub struct Limits([[u64; 2]; COUNT]);

impl Limits {
    /// What init starts with: Linux's defaults, where those depend on the memory as for a large one.
    pub const fn initial() -> Self {
        let mut limits = [[INFINITY; 2]; COUNT];
        limits[STACK] = [DEFAULT_STACK, INFINITY];
        limits[CORE] = [0, INFINITY];
        limits[NPROC] = [PROCESSES; 2];
        limits[NOFILE] = [1024, 4096];
        limits[MEMLOCK] = [8 << 20; 2];
        limits[SIGPENDING] = [DETAILS; 2];
        limits[MSGQUEUE] = [819_200; 2];
        limits[NICE] = [0; 2];
        limits[RTPRIO] = [0; 2];
        Self(limits)
    }

    /// All of them.
    pub const fn words(&self) -> [[u64; 2]; COUNT] {
        self.0
    }

    /// Limits of these words; what is missing is without limit.
    pub fn from_words(words: &[[u64; 2]]) -> Self {
        let mut limits = [[INFINITY; 2]; COUNT];
        limits
            .iter_mut()
            .zip(words)
            .for_each(|(limit, words)| *limit = *words);
        Self(limits)
    }

    /// Sets the limit in force for a resource.
    pub fn set_current(&mut self, resource: usize, limit: u64) {
        self.0[resource][0] = limit;
    }

    /// A program that gets other rights than who executes it does not get a stack of the latter's choice either, which says where
    /// mappings go.
    pub fn protect(&mut self) {
        let [stack, _] = &mut self.0[STACK];
        *stack = (*stack).min(DEFAULT_STACK);
    }

    /// The limit in force for a resource.
    pub fn current(&self, resource: usize) -> u64 {
        self.0[resource][0]
    }
}

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
    let limit = limits.0[resource];
    if let Some([current, maximum]) = new {
        if current > maximum {
            return Err(Errno::EINVAL);
        }
        let beyond = resource == NOFILE && maximum > NR_OPEN;
        if beyond || (maximum > limit[1] && !own.is_privileged()) {
            return Err(Errno::EPERM);
        }
        limits.0[resource] = [current, maximum];
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
