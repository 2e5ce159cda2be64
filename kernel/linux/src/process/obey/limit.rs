//! Orders about resource limits.

use super::credentials;
use crate::process::limits::{COUNT, CPU, NOFILE, NR_OPEN};
use crate::process::state::Process;
use crate::process::timers;
use crate::syscall::errno::Errno;
use torus::family::{Answer, By};

/// Tells a process's limit of a resource, and gives it another one, if that is asked for and who asks may.
pub fn obey(
    process: &Process,
    by: By,
    resource: u32,
    new: Option<[u64; 2]>,
) -> Result<Answer, Errno> {
    let own = credentials(by);
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
        timers::renew(process);
    }
    Ok(Answer { result: 0, limit })
}

impl Process {
    /// Tells the process's address space of its limits.
    pub fn spread_limits(&self) {
        if let Some(space) = self.space() {
            let limits = self.limits.lock().of_memory();
            space.look(|space| space.limits = limits);
        }
    }
}
