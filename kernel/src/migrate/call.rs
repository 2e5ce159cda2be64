//! What programs ask for: migrate(pid, torus, flags).

use super::own;
use crate::arch::cpu;
use crate::process::{Pid, Process, table};
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use crate::tori;
use alloc::sync::Arc;
use core::sync::atomic::Ordering;
use torus::TorusId;

/// The number of migrate.
pub const MIGRATE: u64 = 4097;

/// migrate(pid, torus, flags): moves the caller (0 or its own number) or a child of it that is on the same torus. ESRCH for others,
/// EINVAL for a torus that there is not and for unknown flags, EBUSY while it is on its way, ENOMEM when the torus has no room for it, EAGAIN when it is being drained.
pub fn migrate(call: &mut Call) -> SysResult {
    let to = usize::try_from(call.int(1)).ok().and_then(TorusId::new);
    let to = to
        .filter(|to| tori::get(*to).is_some())
        .ok_or(Errno::EINVAL)?;
    if call.args[2] != 0 {
        return Err(Errno::EINVAL.into());
    }
    let me = call.process.pid;
    match call.int(0) {
        0 => this(call, to),
        own if own == me.raw() => this(call, to),
        other => child(call, Pid::from_raw(other).ok_or(Errno::ESRCH)?, to),
    }
}

/// The caller itself: it leaves when the call is over, and the call fails afterwards if it stays.
fn this(call: &Call, to: TorusId) -> SysResult {
    if to != cpu::this().torus().id {
        let mut moving = call.process.moving.lock();
        moving.wants(to, true)?;
        drop(moving);
        call.thread.attention.store(true, Ordering::Release);
    }
    Ok(0)
}

/// A child: the caller waits until it has left or stays.
fn child(call: &mut Call, pid: Pid, to: TorusId) -> SysResult {
    let waits = call.inflight.word != 0;
    own().departed.enrol();
    let child = table().get(pid);
    let Some(child) = child.filter(|_| table().parent_of(pid) == Some(call.process.pid)) else {
        // It has left, or ended on the way.
        return if waits {
            Ok(0)
        } else {
            Err(Errno::ESRCH.into())
        };
    };
    if !waits {
        let Some(thread) = child.thread() else {
            return Err(Errno::ESRCH.into());
        };
        if to == cpu::this().torus().id {
            return Ok(0);
        }
        child.moving.lock().wants(to, false)?;
        call.inflight.word = 1;
        thread.call_attention();
        return Err(Stop::Block);
    }
    answer(&child)
}

fn answer(child: &Arc<Process>) -> SysResult {
    let mut moving = child.moving.lock();
    match moving.failed.take() {
        Some(errno) => Err(errno.into()),
        None if moving.to.is_some() => Err(Stop::Block),
        // It has ended before it could leave, or has come back already.
        None => Ok(0),
    }
}
