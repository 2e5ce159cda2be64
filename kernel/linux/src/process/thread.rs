//! What a thread of the scheduler is to programs: one flow of control of a process.

use super::deferred::Deferred;
use super::state::Process;
use super::stuck::Stuck;
use crate::signal::SignalState;
use crate::syscall::call::InFlight;
use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use braid_signals::stack::AltStack;
use core::any::Any;
use core::cell::Cell;
use core::sync::atomic::AtomicU64;
use mem::reclaim::Retry;
use mem::space::Space;
use sync::OwnCell;
use torus::pid::Pid;

/// A thread of a process.
pub type Thread = sched::Thread<Task>;

/// A thread of a process on the core that it is on.
pub type Current = sched::Current<Task>;

/// An exception as a signal frame tells it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fault {
    /// Vector.
    pub vector: u64,
    /// Error code.
    pub code: u64,
    /// Fault address (CR2).
    pub address: u64,
}

/// What a [`Thread`] has besides what the scheduler needs of it. Several threads of a process have one each.
pub struct Task {
    /// Its process.
    pub process: Arc<Process>,
    /// Its number: the process's, for the first thread.
    pub tid: Pid,

    /// Of a parent that vfork holds back: the word that its child wanted cleared when it let go of the parent's memory; 0: none.
    pub word_to_clear: AtomicU64,
    /// Pending signals, mask, alternative stack.
    pub signals: SignalState,
}

/// What only the core touches that the thread is on ([`Current`]).
#[derive(Default)]
pub struct Own {
    /// Its address space; none once it has ended.
    pub space: OwnCell<Option<Arc<Space>>>,
    /// Access faults of its that repeat.
    pub stuck: Cell<Stuck>,
    /// The exception it caused last, for signal frames.
    pub fault: Cell<Fault>,
    /// The call that has to run again, when there is one; its number is in the registers' `code`.
    pub in_flight: Cell<Option<InFlight>>,
    /// Its call has begun what has to be settled when the call is over, also if it never waits: questions to other tori, a mask
    /// for its duration.
    pub unsettled: Cell<bool>,
    /// What its call has asked other tori about files, as they know it.
    pub questions: OwnCell<Option<Box<dyn Any + Send>>>,
    /// Its call has waited for a record lock of a file of this torus.
    pub awaits_record: Cell<bool>,
    /// What it waits for, or the kernel has yet to write, before its program goes on.
    pub deferred: OwnCell<Deferred>,
    /// What has been tried to get memory for it.
    pub retry: Retry,
    /// Address to clear and wake when the thread ends (set_tid_address(2)).
    pub clear_child_tid: Cell<u64>,
    /// The mask to go back to when a call ends that had set another one for its duration (sigsuspend, ppoll).
    pub saved_mask: Cell<Option<u64>>,
    /// Where handlers run that ask for it.
    pub altstack: Cell<AltStack>,
}

impl Task {
    /// Of the first thread of a process: without a space, with nothing under way.
    pub fn new(process: Arc<Process>) -> Self {
        Self {
            tid: process.pid,
            process,
            word_to_clear: AtomicU64::new(0),
            signals: SignalState::new(),
        }
    }
}

impl Own {
    /// Its address space, if it has not ended.
    pub fn space(&self) -> Option<Arc<Space>> {
        self.space.with(|space| space.clone())
    }

    /// Whether a call has to run before its program goes on.
    #[inline]
    pub fn has_call(&self) -> bool {
        self.in_flight.get().is_some()
    }
}

/// Gives a thread that nobody knows yet its address space.
pub fn give_space(thread: &mut Thread, space: Arc<Space>) {
    *thread.process.memory.lock() = Arc::downgrade(&space);
    thread.own_mut().space.set(Some(space));
}

/// Gives a thread another address space, or none; answers the old one.
pub fn change_space(thread: &Current, space: Option<Arc<Space>>) -> Option<Arc<Space>> {
    *thread.process.memory.lock() = space.as_ref().map_or_else(Weak::new, Arc::downgrade);
    thread.own().space.replace(space)
}
