//! Process groups and sessions (setpgid(2), setsid(2)).

use super::remote::{ask, is_at, value};
use super::{Pid, table};
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use core::sync::atomic::Ordering;
use torus::family::{Crowd, Members, Sent, Told};

/// The first question of a call: what is there already?
const EXISTS: u64 = 1;
/// The second: the change itself.
const CHANGE: u64 = 2;

/// The process of a number, 0 being `own`.
fn or_own(number: i32, own: Pid) -> Result<Pid, Errno> {
    match number {
        0 => Ok(own),
        number => Pid::from_raw(number).ok_or(Errno::ESRCH),
    }
}

/// setpgid(2).
pub fn setpgid(call: &mut Call) -> SysResult {
    if call.int(1) < 0 {
        return Err(Errno::EINVAL.into());
    }
    let me = call.process.pid;
    let pid = or_own(call.int(0), me)?;
    let group = or_own(call.int(1), pid).map_err(|_| Errno::EPERM)?;
    // Where the second question is under way the first has been answered; the answer went with it.
    let known =
        group == pid || is_at(call, CHANGE) || exists(call, group, Some(table().session_of(me)))?;
    let answer = ask(call, CHANGE, |families, token, effects| {
        families.set_group(me, pid, (group, known), token, effects);
    })?;
    if answer == 0 {
        table().with(|families, _| families.child_grouped(me, pid, group));
    }
    value(answer)
}

/// setsid(2).
pub fn setsid(call: &mut Call) -> SysResult {
    let me = call.process.pid;
    if !is_at(call, CHANGE) {
        // Others can be in a group of this name only if it was the caller's once.
        let led = table().with(|families, _| families.has_led(me));
        if led && exists(call, me, None)? {
            return Err(Errno::EPERM.into());
        }
    }
    ask(call, CHANGE, |families, token, effects| {
        families.set_session(me, token, effects);
    })?;
    call.process
        .without_terminal
        .store(false, Ordering::Relaxed);
    Ok(me.raw() as usize)
}

/// Whether anybody on any torus is in this group, and session.
fn exists(call: &mut Call, group: Pid, session: Option<Pid>) -> Result<bool, Stop> {
    if table().with(|families, effects| families.has_group(group, session, effects)) {
        return Ok(true);
    }
    let me = call.process.pid;
    let crowd = Crowd {
        members: Members::Group(group),
        session,
    };
    let sent = Sent {
        signal: 0,
        code: 0,
        from: Some(me),
        // Whether somebody is there is no secret.
        uid: 0,
        euid: 0,
        session: None,
    };
    let answer = ask(call, EXISTS, |families, token, effects| {
        families.to_crowd(Some((me, token)), crowd, Told::Signal(sent), effects);
    })?;
    Ok(answer == 0)
}

/// getpgid(2).
pub fn getpgid(call: &mut Call) -> SysResult {
    relation(call, false)
}

/// getsid(2).
pub fn getsid(call: &mut Call) -> SysResult {
    relation(call, true)
}

/// getpgrp(2).
pub fn getpgrp(call: &mut Call) -> SysResult {
    Ok(table().group_of(call.process.pid).raw() as usize)
}

/// The group or session of a process, wherever it is.
fn relation(call: &mut Call, session: bool) -> SysResult {
    let me = call.process.pid;
    let pid = or_own(call.int(0), me)?;
    let answer = ask(call, EXISTS, |families, token, effects| {
        families.ask(me, pid, session, token, effects);
    })?;
    value(answer)
}
