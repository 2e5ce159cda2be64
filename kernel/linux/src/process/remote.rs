//! Calls that ask something of processes on other tori, and what arrives about those.

use super::drain;
use super::effects::Effects;
use super::table::table;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use torus::TorusId;
use torus::family::{Answer, Families, Message};

/// A message about processes and their families, from the torus `from`.
pub fn deliver(from: TorusId, message: Message) {
    let heard = table().with(|families, effects| families.receive(from, message, effects));
    if let Err(error) = heard {
        log::error!("from torus {from}: {error}");
    }
}

/// As [`ask_for`], where the answer is a number.
pub fn ask(
    call: &mut Call,
    question: u64,
    begin: impl FnOnce(&mut Families, u64, &mut Effects<'_>),
) -> Result<i32, Stop> {
    Ok(ask_for(call, question, begin)?.result)
}

/// Asks something of processes that may be elsewhere, or looks whether the answer has come: a call asks question 1, then 2,
/// each once. Only SIGKILL ends the wait.
pub fn ask_for(
    call: &mut Call,
    question: u64,
    begin: impl FnOnce(&mut Families, u64, &mut Effects<'_>),
) -> Result<Answer, Stop> {
    let me = call.process.pid;
    table().with(|families, effects| {
        if !is_at(call, question) {
            let token = families.token(me);
            call.inflight.word = token << 2 | question;
            begin(families, token, effects);
        }
        let answer = families.answer(me, call.inflight.word >> 2);
        answer.ok_or(Stop::Answer)
    })
}

/// Whether a call has asked this question.
pub fn is_at(call: &Call, question: u64) -> bool {
    call.inflight.word & 3 == question
}

/// What an answer says: a number, or one of the errors of processes.
pub fn value(answer: i32) -> SysResult {
    match answer {
        0.. => Ok(answer as usize),
        -1 => Err(Errno::EPERM.into()),
        drain::AGAIN => Err(Errno::EAGAIN.into()),
        -13 => Err(Errno::EACCES.into()),
        _ => Err(Errno::ESRCH.into()),
    }
}
