//! Orders about how a process is run. The rules are [`braid_threads::policy`]'s.

use super::credentials;
use crate::process::limits::NICE as NICE_LIMIT;
use crate::process::state::Process;
use crate::process::thread::Thread;
use crate::syscall::errno::Errno;
use braid_threads::policy::{Policy, PolicyError};
use torus::family::{By, Order};

/// What nice value a limit of RLIMIT_NICE means: the limit is so much less.
const NICEST: i32 = 20;

impl From<PolicyError> for Errno {
    fn from(error: PolicyError) -> Self {
        match error {
            PolicyError::Unknown => Self::EINVAL,
            PolicyError::RealTime => Self::EPERM,
        }
    }
}

/// What a process makes of an order about how it is run.
pub fn obey(process: &Process, by: By, order: Order) -> Result<i32, Errno> {
    let thread = process.thread().ok_or(Errno::ESRCH)?;
    match order {
        Order::SetPolicy { policy, priority } => set(&thread, by, policy, priority),
        Order::TellCores => Ok(tori::here().cores() as i32),
        Order::SetCores { mask } => {
            check_control(&thread, by)?;
            let cores = tori::here().cores().min(64) as u32;
            let own = u64::MAX.checked_shr(64 - cores).unwrap_or(0);
            (mask & own != 0).then_some(0).ok_or(Errno::EINVAL)
        }
        _ => Ok(thread.policy().word().cast_signed()),
    }
}

/// EPERM unless this one may say how a thread is run.
fn check_control(thread: &Thread, by: By) -> Result<(), Errno> {
    let other = &thread.process;
    let own = credentials(by);
    if other.pid == by.pid || own.may_renice(&other.credentials.lock()) {
        Ok(())
    } else {
        Err(Errno::EPERM)
    }
}

/// Gives a thread a policy, by its word or the one that it has, with a priority.
fn set(thread: &Thread, by: By, word: Option<u32>, priority: i32) -> Result<i32, Errno> {
    let old = thread.policy();
    let wanted = Policy::of(word.unwrap_or(old.word()), priority);
    if wanted != Err(PolicyError::Unknown) {
        check_control(thread, by)?;
    }
    let wanted = wanted?;
    let nice = thread.nice();
    let limit = thread.process.limits.lock().current(NICE_LIMIT);
    let least = NICEST - limit.min(2 * NICEST as u64) as i32;
    if !credentials(by).is_privileged() && !old.may_become(wanted, nice, least) {
        return Err(Errno::EPERM);
    }
    thread.set_policy(wanted);
    Ok(0)
}
