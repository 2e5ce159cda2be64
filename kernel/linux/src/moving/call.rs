//! What programs ask for: migrate(pid, torus, flags).

use super::depart::Asker;
use crate::moving::depart::HasMoving as _;
use crate::process::Pid;
use crate::process::remote::ask;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use torus::TorusId;

/// The number of migrate.
pub const MIGRATE: u64 = 4097;

/// migrate(pid, torus, flags): moves the caller (0 or its own number) or a child of it, wherever that is. ESRCH for others, EPERM for a child that it may not signal,
/// EINVAL for a torus that there is not and for unknown flags, EBUSY while it is on its way, ENOMEM when the torus has no room for it,
/// EAGAIN when it is being drained.
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
    if to != tori::here().id {
        // A child of vfork leaves when it has its own memory, long after the call.
        let asker = if call.process.borrows_space() {
            Asker::Nobody
        } else {
            Asker::Itself
        };
        call.process.moving().lock().wants(to, asker)?;
        call.thread.note_attention();
    }
    Ok(0)
}

/// A child: the caller waits until it has left or stays, or a signal comes.
fn child(call: &mut Call, pid: Pid, to: TorusId) -> SysResult {
    let me = call.process.pid;
    let user = call.process.credentials.lock().user;
    let users = (user.real, user.effective);
    let answer = ask(call, 1, |families, token, effects| {
        families.push((me, token), users, pid, to, effects);
    });
    // The child leaves when it can: signals end the wait for that.
    let answer = answer.map_err(|stop| match stop {
        Stop::Answer => Stop::Block,
        stop => stop,
    });
    match answer? {
        0 => Ok(0),
        error => Err(Errno::of(-error).unwrap_or(Errno::ESRCH).into()),
    }
}
