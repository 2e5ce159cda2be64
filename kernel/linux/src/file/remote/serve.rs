//! Serving requests of other tori: each is looked at when it comes and whenever it has been woken, on one core at a time, until it has been
//! answered.

use super::super::locks;
use super::acting::{act, poll};
use super::letter;
use super::per_torus::share;
use super::serving::{Serving, state};
use crate::process::Pid;
use crate::process::thread::Task;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use ::torus::TorusId;
use ::torus::file::Message;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::remote::answer::Answer;
use braid_files::remote::ask::{Ask, Request, Who};
use braid_files::remote::requests::Call;
use braid_files::remote::wire::WireError;
use braid_time::Nanos;
use core::sync::atomic::Ordering;
use ipc::parcel;
use mem::reclaim::Room;
use sched::Due;
use tori::rings::{self};

/// A request has come.
pub fn begin(from: TorusId, call: u64, first: vm::addr::Frame, frames: u32) {
    let opened = parcel::lent(from, first, frames)
        .map_err(Errno::from)
        .and_then(|parcel| {
            let letter: Result<(Who, Ask), WireError> = letter::read(&parcel);
            match letter {
                Ok(letter) => Ok((parcel, letter)),
                Err(WireError::NoMemory) => Err(Errno::ENOMEM),
                Err(error) => {
                    log::error!("from torus {from}, a question that is none: {error}");
                    Err(Errno::EIO)
                }
            }
        });
    let serving = opened.and_then(|(parcel, letter)| Serving::new(from, call, letter, parcel));
    match serving {
        Ok(serving) => run(&serving),
        Err(errno) => refuse(from, call, first, errno),
    }
}

/// Answers a request for which there was no memory, or that is none.
fn refuse(from: TorusId, call: u64, first: vm::addr::Frame, errno: Errno) {
    if let Ok(parcel) = parcel::lent(from, first, 0) {
        letter::write(&parcel, &failed(errno), Vec::new());
    }
    rings::send(from, Message::Answer { call });
}

/// A request that waited may go on.
pub fn woken(request: u64) {
    let serving = share().waiting.lock().get(request).cloned();
    // It may have been cancelled since.
    if let Some(serving) = serving {
        run(&serving);
    }
}

/// What a call of another torus is found by.
fn name(from: TorusId, call: u64) -> Call {
    (from.index() as u64, call)
}

/// The asker of a request does not want to wait any longer.
pub fn cancel(from: TorusId, call: u64) {
    let found = share().waiting.lock().of(name(from, call)).cloned();
    // If it is not there the answer is under way.
    let Some(serving) = found else { return };
    let done = serving.in_flight.lock().done;
    let answer = match &serving.ask {
        _ if done > 0 => Answer::Done { value: done as u64 },
        Ask::Poll { files, .. } => match poll(&serving, files, false) {
            Ok(events) if events.iter().any(|&events| events != 0) => Answer::Ready { events },
            _ => Answer::Cancelled,
        },
        _ => Answer::Cancelled,
    };
    finish(&serving, answer);
}

/// Looks at a request; answers it, or leaves it waiting. A request that is to be looked at once more comes round again as a message:
/// nothing is done twice in one delivery.
fn run(serving: &Arc<Serving>) {
    serving.state.store(state::RUNNING, Ordering::Release);
    serving.refused.store(false, Ordering::Relaxed);
    let mut in_flight = serving.in_flight.lock();
    let user = serving.who.identity.user;
    let result = crate::process::payer::serve(user, serving.clone(), || {
        let short = &tori::own().short_of_memory;
        short.set(false);
        match act(serving, &mut in_flight) {
            Err(stop @ (Stop::Short | Stop::Errno(Errno::ENOMEM))) if short.get() => {
                Err(make_room(serving).unwrap_or(stop))
            }
            result => result,
        }
    });
    let (deadline, done) = (in_flight.deadline, in_flight.done);
    drop(in_flight);
    let answer = match result {
        Ok(answer) => answer,
        Err(Stop::Short) => Answer::Done { value: done as u64 },
        Err(Stop::Errno(errno)) => failed(errno),
        Err(Stop::Again) => match enter(serving) {
            Ok(()) => {
                serving.state.store(state::QUEUED, Ordering::Release);
                return serving.look_again();
            }
            Err(errno) => failed(errno),
        },
        Err(Stop::Block | Stop::Memory | Stop::Answer) => {
            match (serving.background.load(Ordering::Relaxed), enter(serving)) {
                (0, _) if serving.refused.load(Ordering::Relaxed) => failed(Errno::ENOMEM),
                (0, Ok(())) => return wait(serving, deadline),
                (0, Err(errno)) => failed(errno),
                (signal, _) => Answer::Background {
                    signal: signal.into(),
                },
            }
        }
    };
    finish(serving, answer);
}

/// There is no memory for a request: it goes on when some has come. None when none will.
fn make_room(serving: &Arc<Serving>) -> Option<Stop> {
    let wake = || serving.polls.store(true, Ordering::Relaxed);
    match serving.retry.make_room(None, wake) {
        Room::Made => Some(Stop::Again),
        Room::Wait => Some(Stop::Memory),
        Room::None => None,
    }
}

fn failed(errno: Errno) -> Answer {
    let errno = errno as i32;
    Answer::Failed { errno }
}

/// Gives a request a number by which it is found again. ENOMEM without memory for that.
fn enter(serving: &Arc<Serving>) -> Result<(), Errno> {
    if serving.number.load(Ordering::Relaxed) == 0 {
        let call = name(serving.from, serving.call);
        let number = share().waiting.lock().insert(call, serving.clone())?;
        serving.number.store(number, Ordering::Release);
        share().begin();
    }
    Ok(())
}

/// Has a request wait, until this moment at the latest; it is looked at again when it has been woken meanwhile.
fn wait(serving: &Arc<Serving>, deadline: Option<Nanos>) {
    if serving.polls.swap(false, Ordering::Relaxed) {
        serving.state.store(state::QUEUED, Ordering::Release);
        serving.look_later();
    } else if serving.changes(state::RUNNING, state::WAITING) {
        set_deadline(serving, deadline);
    } else {
        serving.state.store(state::QUEUED, Ordering::Release);
        serving.look_again();
    }
}

/// A request that waits is looked at again no later than this.
fn set_deadline(serving: &Arc<Serving>, deadline: Option<Nanos>) {
    if let Some(at) = deadline
        && !serving.timed.swap(true, Ordering::Relaxed)
        && !sched::set_timer(Due::<Task>::Wake(serving.clone()), at)
    {
        // Without memory for a timer it polls.
        serving.timed.store(false, Ordering::Relaxed);
        if serving.changes(state::WAITING, state::QUEUED) {
            serving.look_later();
        }
    }
}

/// Answers a request.
fn finish(serving: &Serving, answer: Answer) {
    serving.state.store(state::DONE, Ordering::Release);
    if let Ask::About { request, .. } = &serving.ask
        && let Request::Lock { wish } = request
        && let Some(pid) = Pid::from_raw(wish.pid)
    {
        locks::wait_no_more(locks::process(pid));
    }
    let number = serving.number.load(Ordering::Relaxed);
    if number != 0 && share().waiting.lock().remove(number).is_some() {
        share().end();
    }
    // An answer that says that something was done is short, and finds its memory.
    let memory = core::mem::take(&mut *serving.letter.lock());
    letter::write(&serving.parcel, &answer, memory);
    let call = serving.call;
    rings::send(serving.from, Message::Answer { call });
}
