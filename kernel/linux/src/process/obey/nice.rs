//! Orders about nice values.

use super::credentials;
use crate::process::limits::NICE as NICE_LIMIT;
use crate::process::state::Process;
use crate::syscall::errno::Errno;
use torus::family::By;

/// What getpriority answers for nice 0: larger is nicer to the process, and never negative.
const ZERO: i32 = 20;

/// Tells a process's nice value as getpriority does, or sets it. EPERM for another user's, EACCES for a lower one than its limit lets who asks
/// choose.
pub fn obey(process: &Process, by: By, new: Option<i32>) -> Result<i32, Errno> {
    let thread = process.thread().ok_or(Errno::ESRCH)?;
    let Some(nice) = new else {
        return Ok(ZERO - thread.nice());
    };
    let own = credentials(by);
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
