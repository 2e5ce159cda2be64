//! What a thread of the scheduler is to programs: one flow of control of a process.

use super::{Pid, Process};
use crate::mem::space::Space;
use crate::memory::later::Later;
use crate::memory::stuck::Stuck;
use crate::signal::SignalState;
use crate::syscall::call::InFlight;
use alloc::sync::{Arc, Weak};
use core::sync::atomic::AtomicU64;
use sync::OwnCell;

/// A thread of a process.
pub type Thread = sched::Thread<Task>;

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

    // Touched only by the core the thread is on.
    /// Its address space; none once it has ended.
    pub space: OwnCell<Option<Arc<Space>>>,
    /// Access faults of its that repeat.
    pub stuck: OwnCell<Stuck>,
    /// The exception it caused last, for signal frames.
    pub fault: OwnCell<Fault>,
    /// The call that has to run again, when there is one; its number is in the registers' `code`.
    pub in_flight: OwnCell<Option<InFlight>>,
    /// Its call has begun what has to be settled when the call is over, also if it never waits: questions to other tori, a mask
    /// for its duration.
    pub unsettled: OwnCell<bool>,
    /// What its call has asked other tori about files.
    pub far: OwnCell<crate::file::far::Journal>,
    /// What it waits for, or the kernel has yet to write, before its program goes on.
    pub later: OwnCell<Later>,
    /// Frames that were looked at in vain for memory for it.
    pub vain: OwnCell<u32>,
    /// Address to clear and wake when the thread ends (set_tid_address(2)).
    pub clear_child_tid: OwnCell<u64>,
}

impl Task {
    /// Of the first thread of a process: without a space, with nothing under way.
    pub fn new(process: Arc<Process>) -> Self {
        Self {
            tid: process.pid,
            process,
            word_to_clear: AtomicU64::new(0),
            signals: SignalState::new(),
            space: OwnCell::new(None),
            stuck: OwnCell::new(Stuck::default()),
            fault: OwnCell::new(Fault::default()),
            in_flight: OwnCell::new(None),
            unsettled: OwnCell::new(false),
            far: OwnCell::new(crate::file::far::Journal::new()),
            later: OwnCell::new(Later::new()),
            vain: OwnCell::new(0),
            clear_child_tid: OwnCell::new(0),
        }
    }

    /// Gives it another address space, or none; answers the old one.
    pub fn change_space(&self, space: Option<Arc<Space>>) -> Option<Arc<Space>> {
        *self.process.memory.lock() = space.as_ref().map_or_else(Weak::new, Arc::downgrade);
        self.space.replace(space)
    }

    /// Whether a call has to run before its program goes on.
    #[inline]
    pub fn has_call(&self) -> bool {
        self.in_flight.with(|call| call.is_some())
    }
}
