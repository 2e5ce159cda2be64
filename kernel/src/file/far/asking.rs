//! The asker's side: questions, and what is remembered of them while their call waits.

use super::super::caller::Caller;
use super::super::locks;
use super::super::open::{Body, OpenFile};
use super::fetch::Copies;
use super::parcel::{Frames, Parcel};
use super::remote::{Remote, hold};
use super::share;
use crate::arch::cpu;
use crate::mem::object::ObjectRef;
use crate::mem::reclaim::{self, Room};
use crate::migrate::lease;
use crate::process::Thread;
use crate::rings;
use crate::sched::lock::Lock;
use crate::signal::Signal;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use ::torus::TorusId;
use ::torus::message::Message;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::far::answer::Answer;
use braid_files::far::ask::Ask;
use braid_files::far::wire::{Wire, WireError, Writer};
use braid_files::walk::PATH_MAX;
use core::sync::atomic::{AtomicBool, Ordering};
use fallible::{NoMemory, TryVec, to_vec, with_capacity};

/// Bytes of an answer at the most, but for the list of a poll: a path and its frame.
const ANSWER: usize = PATH_MAX + 64;

/// A question to another torus.
pub struct Asking {
    thread: Arc<Thread>,
    home: TorusId,
    parcel: Parcel,
    reply: Lock<State>,
    /// The home has been asked to stop waiting.
    cancelled: AtomicBool,
}

impl Asking {
    /// The bytes of the parcel, once it is back.
    pub fn payload(&self) -> &Frames {
        self.parcel.frames()
    }
}

/// What has become of a question.
enum State {
    /// It has not been answered.
    Open,
    /// The answer lies in the parcel. Nothing of it is lost while there is no memory to read it.
    Came,
    /// The answer has been read.
    Read(Reply),
}

/// What came back.
pub enum Reply {
    /// Anything but an open file.
    Answer(Answer),
    /// An open file.
    Opened(Arc<OpenFile>),
    /// What a mapping shows, and whether it is sealed against writing.
    Object(ObjectRef, bool),
}

impl Reply {
    fn try_clone(&self) -> Result<Self, NoMemory> {
        Ok(match self {
            Self::Answer(answer) => Self::Answer(answer.try_clone()?),
            Self::Opened(file) => Self::Opened(file.clone()),
            Self::Object(object, sealed) => Self::Object(object.clone(), *sealed),
        })
    }

    fn failed(errno: Errno) -> Self {
        let errno = errno as i32;
        Self::Answer(Answer::Failed { errno })
    }

    /// Whether nothing was done, and the question has to be asked again.
    fn is_repeatable(&self) -> bool {
        matches!(
            self,
            Self::Answer(Answer::Cancelled | Answer::Background { .. })
        )
    }

    /// Whether a call may be interrupted that has got it.
    fn is_void(&self) -> bool {
        let goes_on = matches!(
            self,
            Self::Answer(Answer::Elsewhere { .. } | Answer::Behind { .. })
        );
        self.is_repeatable() || goes_on
    }
}

/// The questions of a call, in the order in which each of its runs asks them.
pub struct Journal {
    entries: Vec<Entry>,
    /// The next question of this run.
    next: usize,
    pub(super) copies: Copies,
    /// The call has waited for a record lock of a file of this torus.
    for_record: bool,
}

struct Entry {
    call: u64,
    asking: Arc<Asking>,
}

impl Entry {
    /// What `look` makes of the answer; None while there is none.
    ///
    /// # Errors
    /// There is no memory to read it: the call runs again, and finds it then.
    fn look<T>(
        &self,
        look: impl FnOnce(&Reply) -> Result<T, NoMemory>,
    ) -> Result<Option<T>, NoMemory> {
        // The home has done its work: there is nobody who could be told that there is no memory.
        let _held = fallible::insist();
        let mut state = self.asking.reply.lock();
        if matches!(*state, State::Came) {
            *state = State::Read(self.asking.read()?);
        }
        match &*state {
            State::Read(reply) => look(reply).map(Some),
            State::Open | State::Came => Ok(None),
        }
    }

    fn reply(&self) -> Result<Option<Reply>, NoMemory> {
        self.look(Reply::try_clone)
    }

    fn is_answered(&self) -> bool {
        !matches!(*self.asking.reply.lock(), State::Open)
    }

    /// Has the home stop waiting, if that has not been done.
    fn cancel(&self) {
        if !self.is_answered() && !self.asking.cancelled.swap(true, Ordering::AcqRel) {
            rings::send(self.asking.home, Message::FileCancel { call: self.call });
        }
    }
}

impl Journal {
    /// No questions.
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
            next: 0,
            copies: Copies::new(),
            for_record: false,
        }
    }

    /// The call waits for a record lock of a file of this torus.
    pub fn note_record(&mut self) {
        self.for_record = true;
    }
}

/// The call runs again: it asks from the start.
pub fn rewind(thread: &Thread) {
    thread.far.with(|journal| {
        journal.next = 0;
        journal.copies.rewind();
    });
}

/// The call is over: what is still open is cancelled, and nobody waits for it.
pub fn forget(thread: &Thread) {
    let journal = thread
        .far
        .with(|journal| core::mem::replace(journal, Journal::new()));
    journal.entries.iter().for_each(Entry::cancel);
    if journal.for_record {
        locks::wait_no_more(locks::process(thread.process.pid));
    }
}

/// When a signal may interrupt a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// At once.
    Now,
    /// When the home has answered, which it does soon: the thread is told to look at its signals then.
    WhenAnswered,
    /// After the call has run again: something was done that it has to take.
    AfterRun,
}

/// When a signal may interrupt the thread's call; asks homes to cancel what it waits for.
pub fn interruption(thread: &Thread) -> Interruption {
    thread.far.with(|journal| {
        let mut when = Interruption::Now;
        for entry in &journal.entries {
            entry.cancel();
            match entry.look(|reply| Ok(reply.is_void())) {
                Ok(None) => return Interruption::WhenAnswered,
                Ok(Some(true)) => {}
                Ok(Some(false)) | Err(NoMemory) => when = Interruption::AfterRun,
            }
        }
        when
    })
}

/// Asks `home`, and says what it has answered; Block until then, an error number if it was one.
pub fn ask(thread: &Arc<Thread>, home: TorusId, question: &Ask) -> Result<Reply, Stop> {
    if let Some(found) = found(thread) {
        return found.map(|(reply, _)| reply);
    }
    post(thread, home, question, ANSWER, 0, |_| Ok(()))?;
    Err(Stop::Block)
}

/// As [`ask`], with `payload` bytes of room behind the question, which `fill` may use before it is sent. The parcel comes back
/// with the answer.
pub fn exchange(
    thread: &Arc<Thread>,
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
fn found(thread: &Arc<Thread>) -> Option<Result<(Reply, Arc<Asking>), Stop>> {
    let found = thread.far.with(|journal| {
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
            return Some(Err(match reclaim::make_room(thread) {
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
fn signal_own_group(thread: &Arc<Thread>, signal: i32) -> Stop {
    if let Some(signal) = Signal::new(signal) {
        Caller::Here(&thread.process, thread).signal_group(signal);
    }
    thread.wake();
    Stop::Block
}

/// The last answer has been taken; the call's next question is another one.
pub fn consume(thread: &Thread) {
    thread.far.with(|journal| {
        journal.next -= 1;
        journal.entries.remove(journal.next);
    });
}

/// Sends a question, with room for an answer of so many bytes.
pub fn post(
    thread: &Arc<Thread>,
    home: TorusId,
    question: &Ask,
    answer: usize,
    payload: usize,
    fill: impl FnOnce(&Frames) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut letter = Writer::pausing(cpu::let_interrupts_in);
    let asker = Caller::Here(&thread.process, thread);
    let mut who = asker.who();
    if let Ask::About { request, .. } = question {
        who.identity = asker.identity_for(request);
    }
    who.put(&mut letter);
    question.put(&mut letter);
    let letter = letter.finish().map_err(|_| Errno::ENOMEM)?;
    let parcel = Parcel::new(&letter, answer, payload)?;
    fill(parcel.frames())?;
    let (first, frames) = parcel.name();
    let asking = fallible::arc(Asking {
        thread: thread.clone(),
        home,
        parcel,
        reply: Lock::new(State::Open),
        cancelled: AtomicBool::new(false),
    })?;
    let call = share().asked.lock().insert(asking.clone());
    let call = call.map_err(|_| Errno::ENOMEM)?;
    let noted = thread.far.with(|journal| {
        journal.entries.try_push(Entry { call, asking })?;
        journal.next = journal.entries.len();
        Ok::<_, NoMemory>(())
    });
    if noted.is_err() {
        share().asked.lock().remove(call);
    }
    noted?;
    thread.unsettled.set(true);
    share().begin();
    let question = Message::FileAsk {
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
        thread.attention.store(true, Ordering::Release);
    }
    thread.wake();
}

impl Asking {
    /// Reads the answer that lies in the parcel, once: what it gives is this torus's from then on.
    ///
    /// # Errors
    /// [`NoMemory`]; it can be read again.
    fn read(&self) -> Result<Reply, NoMemory> {
        if !self.parcel.frames().has_letter() {
            // The home had no memory for the question, or for an answer that says no more than what there is.
            return Ok(Reply::failed(Errno::ENOMEM));
        }
        Ok(match self.parcel.frames().letter() {
            Ok(Answer::Opened {
                number,
                description,
            }) => match Remote::new(self.home, number, description).open() {
                Ok(file) => {
                    if let Body::Far(remote) = &file.body {
                        remote.settle();
                    }
                    Reply::Opened(file)
                }
                Err(Errno::ENOMEM) => return Err(NoMemory),
                Err(errno) => {
                    hold(self.home, number, cpu::this().torus().id, -1);
                    Reply::failed(errno)
                }
            },
            Ok(Answer::Object { number, sealed }) => {
                match lease::holder::given(self.home, number) {
                    Ok(object) => Reply::Object(object, sealed),
                    Err(Errno::ENOMEM) => return Err(NoMemory),
                    Err(errno) => Reply::failed(errno),
                }
            }
            Ok(answer) => Reply::Answer(answer),
            Err(WireError::NoMemory) => return Err(NoMemory),
            Err(_) => Reply::failed(Errno::EIO),
        })
    }
}

impl Drop for Asking {
    /// What an answer gives that nobody has read goes back. Such letters are read without memory.
    fn drop(&mut self) {
        if !matches!(self.reply.get_mut(), State::Came) {
            return;
        }
        match self.parcel.frames().letter() {
            Ok(Answer::Opened { number, .. }) => {
                hold(self.home, number, cpu::this().torus().id, -1);
            }
            Ok(Answer::Object { number, .. }) => lease::holder::refuse(self.home, number),
            _ => {}
        }
    }
}

/// Whether the next question of this run was asked in an earlier one.
pub fn is_asked(thread: &Thread) -> bool {
    thread
        .far
        .with(|journal| journal.next < journal.entries.len())
}

/// Whether earlier runs of the call have asked anything.
pub fn has_asked(thread: &Thread) -> bool {
    thread.far.with(|journal| !journal.entries.is_empty())
}

/// The events that homes have found, in the order in which they were asked; None while one has not answered. As soon as one has, or
/// on demand, the others are told to.
pub fn replies(thread: &Thread, cancel: bool) -> Result<Option<Vec<Vec<u16>>>, Errno> {
    thread.far.with(|journal| {
        let answered = journal.entries.iter().filter(|entry| entry.is_answered());
        let count = answered.count();
        if count < journal.entries.len() {
            if cancel || count > 0 {
                journal.entries.iter().for_each(Entry::cancel);
            }
            return Ok(None);
        }
        let mut replies = with_capacity(count)?;
        for entry in &journal.entries {
            let events = entry.look(|reply| match reply {
                Reply::Answer(Answer::Ready { events }) => Ok(Ok(to_vec(events)?)),
                Reply::Answer(Answer::Failed { errno }) => {
                    Ok(Err(Errno::of(*errno).unwrap_or(Errno::EIO)))
                }
                _ => Ok(Ok(Vec::new())),
            })?;
            replies.try_push(events.unwrap_or(Ok(Vec::new()))?)?;
        }
        Ok(Some(replies))
    })
}
