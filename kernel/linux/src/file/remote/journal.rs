//! The questions of a call, which are remembered while it waits and runs again.

use super::super::locks;
use super::copies::Copies;
use super::question::{Asking, Reply, State};
use crate::process::Current;
use crate::syscall::errno::Errno;
use ::torus::file::Message;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::remote::answer::Answer;
use core::sync::atomic::Ordering;
use fallible::{NoMemory, TryVec, to_vec, with_capacity};
use tori::rings;

/// The questions of a call, in the order in which each of its runs asks them.
#[derive(Default)]
pub struct Journal {
    pub(super) entries: Vec<Entry>,
    /// The next question of this run.
    pub(super) next: usize,
    pub(super) copies: Copies,
}

/// A question of a call.
pub(super) struct Entry {
    /// What the home knows it by.
    pub(super) call: u64,
    pub(super) asking: Arc<Asking>,
}

impl Entry {
    /// What `look` makes of the answer; None while there is none.
    ///
    /// # Errors
    /// There is no memory to read it: the call runs again, and finds it then.
    pub(super) fn look<T>(
        &self,
        look: impl FnOnce(&Reply) -> Result<T, NoMemory>,
    ) -> Result<Option<T>, NoMemory> {
        // The home has done its work: it would be for nothing.
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

    pub(super) fn reply(&self) -> Result<Option<Reply>, NoMemory> {
        self.look(Reply::try_clone)
    }

    pub(super) fn is_answered(&self) -> bool {
        !matches!(*self.asking.reply.lock(), State::Open)
    }

    /// Has the home stop waiting, if that has not been done.
    pub(super) fn cancel(&self) {
        if !self.is_answered() && !self.asking.cancelled.swap(true, Ordering::AcqRel) {
            rings::send(self.asking.home, Message::Cancel { call: self.call });
        }
    }
}

/// Works on the journal of the thread's call, if it has [begun](begin) one: few do.
#[inline]
fn if_begun<R>(thread: &Current, work: impl FnOnce(&mut Journal) -> R) -> Option<R> {
    thread.own().questions.with(|part| {
        let begun = part.as_mut()?.downcast_mut()?;
        Some(work(begun))
    })
}

/// Works on the journal of the thread's call. One that has not been [begun](begin) is empty, and stays so.
pub fn with<R>(thread: &Current, work: impl FnOnce(&mut Journal) -> R) -> R {
    thread.own().questions.with(|part| {
        let begun = part.as_mut().and_then(|part| part.downcast_mut());
        match begun {
            Some(journal) => work(journal),
            None => work(&mut Journal::default()),
        }
    })
}

/// The call is about to ask. [`NoMemory`] without memory for a journal.
pub fn begin(thread: &Current) -> Result<(), NoMemory> {
    thread.own().questions.with(|part| {
        if part.is_none() {
            *part = Some(fallible::boxed(Journal::default())?);
        }
        Ok(())
    })
}

/// The call runs again: it asks from the start.
pub fn rewind(thread: &Current) {
    let _ = if_begun(thread, |journal| {
        journal.next = 0;
        journal.copies.rewind();
    });
}

/// The call is over: what is still open is cancelled, and nobody waits for it.
pub fn forget(thread: &Current) {
    let part = thread.own().questions.replace(None);
    if let Some(journal) = part.and_then(|part| part.downcast::<Journal>().ok()) {
        journal.entries.iter().for_each(Entry::cancel);
    }
    if thread.own().awaits_record.take() {
        locks::wait_no_more(locks::process(thread.process.pid));
    }
}

/// The last answer has been taken; the call's next question is another one.
pub fn consume(thread: &Current) {
    with(thread, |journal| {
        journal.next -= 1;
        journal.entries.remove(journal.next);
    });
}

/// Whether the next question of this run was asked in an earlier one.
pub fn is_asked(thread: &Current) -> bool {
    if_begun(thread, |journal| journal.next < journal.entries.len()).unwrap_or(false)
}

/// Whether earlier runs of the call have asked anything.
pub fn has_asked(thread: &Current) -> bool {
    if_begun(thread, |journal| !journal.entries.is_empty()).unwrap_or(false)
}

/// The events that homes have found, in the order in which they were asked; None while one has not answered. As soon as one has, or
/// on demand, the others are told to.
pub fn replies(thread: &Current, cancel: bool) -> Result<Option<Vec<Vec<u16>>>, Errno> {
    with(thread, |journal| {
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
