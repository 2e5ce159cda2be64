//! The asker's side: questions are sent, and answers found.

use super::super::caller::Caller;
use super::super::own::Own;
use super::journal;
use super::journal::Entry;
use super::per_torus::share;
use super::question::{Asking, Reply, State};
use crate::memory::room;
use crate::process::Current;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use ::torus::TorusId;
use ::torus::file::Message;
use alloc::sync::Arc;
use braid_files::remote::answer::Answer;
use braid_files::remote::ask::Ask;
use braid_files::remote::wire::{Wire, Writer};
use braid_files::walk::PATH_MAX;
use braid_signals::Signal;
use core::sync::atomic::{AtomicBool, Ordering};
use fallible::{NoMemory, TryVec};
use ipc::parcel::{Frames, Parcel};
use machine::cpu;
use mem::reclaim::Room;
use sync::Lock;
use tori::rings;

/// Bytes of an answer at the most, but for the list of a poll: a path and its frame.
const ANSWER: usize = PATH_MAX + 64;

/// Asks `home`, and says what it has answered; Block until then, an error number if it was one.
pub fn ask(thread: &Current, home: TorusId, question: &Ask) -> Result<Reply, Stop> {
    if let Some(found) = found(thread) {
        return found.map(|(reply, _)| reply);
    }
    post(thread, home, question, ANSWER, 0, |_| Ok(()))?;
    Err(Stop::Block)
}

/// As [`ask`], with `payload` bytes of room behind the question, which `fill` may use before it is sent. The parcel comes back
/// with the answer.
pub fn exchange(
    thread: &Current,
    home: TorusId,
    question: &Ask,
    payload: usize,
    fill: impl FnOnce(&Frames) -> Result<(), Stop>,
) -> Result<(Reply, Arc<Asking>), Stop> {
    if let Some(found) = found(thread) {
        return found;
    }
    post(thread, home, question, 0, payload, fill)?;
    Err(Stop::Block)
}

/// The answer to this run's next question, if it was asked in an earlier run.
fn found(thread: &Current) -> Option<Result<(Reply, Arc<Asking>), Stop>> {
    let found = journal::with(thread, |journal| {
        let entry = journal.entries.get(journal.next)?;
        let reply = match entry.reply() {
            Ok(reply) => reply,
            Err(error) => return Some(Err(error)),
        };
        let found = (reply, entry.asking.clone());
        match &found.0 {
            Some(reply) if reply.is_repeatable() => {
                journal.entries.remove(journal.next);
            }
            Some(_) => journal.next += 1,
            None => {}
        }
        Some(Ok(found))
    })?;
    let (reply, asking) = match found {
        Ok(found) => found,
        Err(NoMemory) => {
            return Some(Err(match room::make(thread) {
                Room::Wait => Stop::Memory,
                Room::Made | Room::None => Stop::Again,
            }));
        }
    };
    match reply {
        None => Some(Err(Stop::Block)),
        Some(Reply::Answer(Answer::Cancelled)) => None,
        Some(Reply::Answer(Answer::Background { signal })) => {
            Some(Err(signal_own_group(thread, signal)))
        }
        Some(Reply::Answer(Answer::Failed { errno })) => {
            Some(Err(Errno::of(errno).unwrap_or(Errno::EIO).into()))
        }
        Some(reply) => Some(Ok((reply, asking))),
    }
}

/// The terminal is not the thread's to use now: its group is told so, and the call runs again after that.
fn signal_own_group(thread: &Current, signal: i32) -> Stop {
    if let Some(signal) = Signal::new(signal) {
        Own::thread(thread).signal_group(signal);
    }
    thread.wake();
    Stop::Block
}

/// Sends a question, with room for an answer of so many bytes.
pub fn post(
    thread: &Current,
    home: TorusId,
    question: &Ask,
    answer: usize,
    payload: usize,
    fill: impl FnOnce(&Frames) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut letter = Writer::pausing(cpu::let_interrupts_in);
    let asker = Own::thread(thread);
    let mut who = asker.who();
    if let Ask::About { request, .. } = question {
        who.identity = asker.identity_for(request);
    }
    who.put(&mut letter);
    question.put(&mut letter);
    let letter = letter.finish().map_err(|_| Errno::ENOMEM)?;
    let parcel = Parcel::new(&letter, answer, payload).map_err(Errno::from)?;
    fill(parcel.frames())?;
    let (first, frames) = parcel.name();
    let asking = fallible::arc(Asking {
        thread: Arc::clone(thread),
        home,
        parcel,
        reply: Lock::new(State::Open),
        cancelled: AtomicBool::new(false),
    })?;
    journal::begin(thread)?;
    let call = share().asked.lock().insert(asking.clone());
    let call = call.map_err(|_| Errno::ENOMEM)?;
    let noted = journal::with(thread, |journal| {
        journal.entries.try_push(Entry { call, asking })?;
        journal.next = journal.entries.len();
        Ok::<_, NoMemory>(())
    });
    if noted.is_err() {
        share().asked.lock().remove(call);
    }
    noted?;
    thread.own().unsettled.set(true);
    share().begin();
    let question = Message::Ask {
        call,
        parcel: first,
        frames,
    };
    rings::send(home, question);
    Ok(())
}

/// A home has answered.
pub fn answered(call: u64) {
    let Some(asking) = share().asked.lock().remove(call) else {
        log::error!("an answer to question {call:#x}, which was not asked");
        return;
    };
    share().end();
    *asking.reply.lock() = State::Came;
    let thread = &asking.thread;
    if thread.signals.is_due() || asking.cancelled.load(Ordering::Acquire) {
        thread.note_attention();
    }
    thread.wake();
}
