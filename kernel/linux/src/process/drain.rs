//! Draining a torus: every process there goes to another. Their pages follow when they are touched, and in the background;
//! zombies stay until they are waited for.
//!
//! *Flow.* The call asks the torus again and again (`Drain`), until nobody lives there. Each time the torus sends away whom it still
//! has, in turns to each of the others: also who was born there meanwhile, was refused elsewhere, or could not leave.

use super::remote::{ask, value};
use super::{Pid, table};
use crate::moving::depart;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use braid_time::Nanos;
use machine::time;
use tori::rings;
use torus::TorusId;
use torus::balance::Message;

/// The number of drain.
pub const DRAIN: u64 = 4098;
/// Flag of drain: processes may come again.
const UNDO: u64 = 1;
/// EAGAIN (errno(3)), as an answer carries it.
pub const AGAIN: i32 = -11;
/// Time between two questions.
const PERIOD: Nanos = Nanos::from_millis(5);
/// With this question the log says who is still there.
const PATIENCE: u32 = 200;

/// drain(torus, flags): has every process of a torus go elsewhere, and returns when none lives there; with flag 1 processes may go
/// there again. EPERM: the caller is not user 0. EINVAL: there is no such torus or flag, or no other torus. EINTR: a signal came first, and processes are
/// still refused. EAGAIN: another call has let processes go there again.
pub fn drain(call: &mut Call) -> SysResult {
    if !call.process.credentials.lock().is_privileged() {
        return Err(Errno::EPERM.into());
    }
    let torus = usize::try_from(call.int(0)).ok().and_then(TorusId::new);
    let torus = torus.filter(|torus| tori::get(*torus).is_some() && tori::count() > 1);
    let torus = torus
        .filter(|_| call.args[1] <= UNDO)
        .ok_or(Errno::EINVAL)?;
    if call.inflight.deadline.is_some_and(|at| time::now() < at) {
        return Err(Stop::Block);
    }
    call.inflight.deadline = None;
    let (from, begin) = (call.process.pid, call.inflight.runs == 0);
    let undo = call.args[1] == UNDO;
    let answer = ask(call, 1, |_, token, _| {
        let question = Message::Drain {
            from,
            token,
            begin,
            undo,
        };
        rings::send(torus, question);
    });
    // A process that cannot leave may hold the call up for ever: signals end it, and the caller may be sent away itself.
    let answer = answer.map_err(|stop| match stop {
        Stop::Answer => Stop::Block,
        stop => stop,
    });
    if value(answer?)? == 0 {
        return Ok(0);
    }
    call.inflight.word = 0;
    call.inflight.deadline = Some(time::now() + PERIOD);
    Err(Stop::Block)
}

/// A process asks to drain this torus, or no longer to.
pub fn told(from: Pid, token: u64, begin: bool, undo: bool) {
    let share = tori::here().part::<travel::PerTorus>();
    if begin {
        share.set_draining(!undo);
    }
    let left = match (undo, share.is_draining()) {
        (true, _) => 0,
        (false, true) => send_all_away(share.count_look() == PATIENCE),
        (false, false) => AGAIN,
    };
    table().with(|families, effects| families.reply(from, token, left, effects));
}

/// Sends away who is here; answers how many that are.
fn send_all_away(names: bool) -> i32 {
    let here = tori::here().id;
    let others = TorusId::first(tori::count()).filter(|torus| *torus != here);
    let mut targets = others
        .cycle()
        .skip(time::now().get() as usize % tori::count());
    for process in &table().living() {
        if names {
            log::warn!("{} has not left torus {here} yet", process.label());
        }
        if let (Some(thread), Some(to)) = (process.thread(), targets.next()) {
            depart::send_away(&thread, to);
        }
    }
    i32::try_from(table().count_living()).unwrap_or(i32::MAX)
}
