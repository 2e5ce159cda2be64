//! Scheduling policies, and where threads may run: sched_setscheduler(2), sched_setaffinity(2) and their kin. They reach the processes of
//! the caller's torus. The rules are [`braid_threads::policy`]'s.

use super::limits::NICE as NICE_LIMIT;
use super::{Pid, Thread, table};
use crate::arch::cpu;
use crate::mem::user::{read_value, write_value};
use crate::sched::switch::SLICE;
use crate::syscall::call::{Call, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use braid_threads::policy::{Policy, PolicyError, priorities};
use core::sync::atomic::Ordering;

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

/// The thread that the first argument means.
fn meant(call: &Call) -> Result<Arc<Thread>, Errno> {
    let process = match call.int(0) {
        0 => return Ok(call.thread.clone()),
        pid => Pid::from_raw(pid).and_then(|pid| table().get(pid)),
    };
    process
        .and_then(|process| process.thread())
        .ok_or(Errno::ESRCH)
}

/// Like [`meant`], for calls that know no negative numbers.
fn meant_by_number(call: &Call) -> Result<Arc<Thread>, Errno> {
    if call.int(0) < 0 {
        return Err(Errno::EINVAL);
    }
    meant(call)
}

fn policy_of(thread: &Thread) -> Policy {
    Policy::from_word(thread.policy.load(Ordering::Relaxed))
}

/// EPERM unless the caller may say how a thread is run.
fn check_control(call: &Call, thread: &Thread) -> Result<(), Errno> {
    let other = &thread.process;
    let may = other.pid == call.process.pid || {
        let own = *call.process.credentials.lock();
        own.may_renice(&other.credentials.lock())
    };
    if may { Ok(()) } else { Err(Errno::EPERM) }
}

/// Gives a thread a policy, by its word or the one that it has, with the priority that lies at an address.
fn set(call: &Call, word: Option<u32>, at: usize) -> SysResult {
    if at == 0 || call.int(0) < 0 {
        return Err(Errno::EINVAL.into());
    }
    let priority: i32 = read_value(at)?;
    let thread = meant(call)?;
    let old = policy_of(&thread);
    let wanted = Policy::of(word.unwrap_or(old.word()), priority);
    if wanted != Err(PolicyError::Unknown) {
        check_control(call, &thread)?;
    }
    let wanted = wanted.map_err(Errno::from)?;
    let nice = thread.nice.load(Ordering::Relaxed);
    let limit = thread.process.limits.lock().current(NICE_LIMIT);
    let least = NICEST - limit.min(2 * NICEST as u64) as i32;
    if !call.process.credentials.lock().is_privileged() && !old.may_become(wanted, nice, least) {
        return Err(Errno::EPERM.into());
    }
    thread.policy.store(wanted.word(), Ordering::Relaxed);
    Ok(0)
}

/// sched_setscheduler(2).
pub fn sched_setscheduler(call: &mut Call) -> SysResult {
    if call.int(1) < 0 {
        return Err(Errno::EINVAL.into());
    }
    set(call, Some(call.args[1] as u32), call.size(2))
}

/// sched_setparam(2).
pub fn sched_setparam(call: &mut Call) -> SysResult {
    set(call, None, call.size(1))
}

/// sched_getscheduler(2).
pub fn sched_getscheduler(call: &mut Call) -> SysResult {
    Ok(policy_of(&*meant_by_number(call)?).word() as usize)
}

/// sched_getparam(2): no policy that is to be had has a priority.
pub fn sched_getparam(call: &mut Call) -> SysResult {
    if call.args[1] == 0 {
        return Err(Errno::EINVAL.into());
    }
    meant_by_number(call)?;
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
    meant_by_number(call)?;
    write_value(call.size(1), [0, SLICE.get()])?;
    Ok(0)
}

/// sched_getaffinity(2): the cores of the caller's torus.
pub fn sched_getaffinity(call: &mut Call) -> SysResult {
    let cores = cpu::this().torus().cores();
    let bytes = cores.div_ceil(64) * 8;
    let len = call.size(1);
    if len < bytes || !len.is_multiple_of(8) {
        return Err(Errno::EINVAL.into());
    }
    meant(call)?;
    for word in 0..bytes / 8 {
        let bits = (cores - word * 64).min(64) as u32;
        let mask = u64::MAX.checked_shr(64 - bits).unwrap_or(0);
        write_value(call.size(2).wrapping_add(word * 8), mask)?;
    }
    Ok(bytes)
}

/// sched_setaffinity(2): checked, and then left to the scheduler.
pub fn sched_setaffinity(call: &mut Call) -> SysResult {
    let cores = cpu::this().torus().cores().min(64) as u32;
    let mut word = 0u64;
    for index in 0..call.size(1).min(8) {
        let byte: u8 = read_value(call.size(2).wrapping_add(index))?;
        word |= u64::from(byte) << (index * 8);
    }
    check_control(call, &*meant(call)?)?;
    if word & u64::MAX.checked_shr(64 - cores).unwrap_or(0) == 0 {
        return Err(Errno::EINVAL.into());
    }
    Ok(0)
}
