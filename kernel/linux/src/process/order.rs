//! Orders: what calls ask of another process, or have it change, on whichever torus it lives ([`torus::family::Order`]).
//!
//! *Flow.* [`give`] sends the order to the process, whatever it does and wherever it moves meanwhile, and the call waits for the answer. The torus where
//! the process lives [obeys](obey), if the asker may say so.

use super::Pid;
use super::obey::obey;
use super::remote::ask_for;
use crate::syscall::call::{Call, Stop};
use crate::syscall::errno::Errno;
use torus::family::{Answer, By, Crowd, Members, Order, Told};

/// The caller, as far as others want to know.
fn by(call: &Call) -> By {
    let own = *call.process.credentials.lock();
    By {
        pid: call.process.pid,
        uid: own.user.real,
        euid: own.user.effective,
        gid: own.group.real,
    }
}

/// Whether a number means another process than the caller: 0 means the caller.
pub fn is_for_another(call: &Call, number: i32) -> bool {
    number != 0 && number != call.process.pid.raw()
}

/// Gives an order to the process of a number.
pub fn give(call: &mut Call, number: i32, order: Order) -> Result<Answer, Stop> {
    let by = by(call);
    if !is_for_another(call, number) {
        return said(obey(call.process, by, order));
    }
    let to = Pid::from_raw(number).ok_or(Errno::ESRCH)?;
    said(ask_for(call, 1, |families, token, effects| {
        families.order(to, token, (by, order), effects);
    })?)
}

/// Has processes of all tori tell or change their nice values; the best of them, or an error of one of them.
pub fn give_nice(call: &mut Call, members: Members, new: Option<i32>) -> Result<Answer, Stop> {
    let by = by(call);
    let crowd = Crowd {
        members,
        session: None,
    };
    said(ask_for(call, 1, |families, token, effects| {
        families.to_crowd(
            Some((by.pid, token)),
            crowd,
            Told::Nice { by, new },
            effects,
        );
    })?)
}

fn said(answer: Answer) -> Result<Answer, Stop> {
    match answer.result {
        0.. => Ok(answer),
        error => Err(Errno::of(-error).unwrap_or(Errno::ESRCH).into()),
    }
}
