//! The home's side: requests of other tori, served like calls of the home's own threads.
//!
//! Messages are delivered on one core at a time, and so are requests served. Only a wake-up comes from anywhere: it sends a
//! message to the own torus, which has the request looked at again.

use super::super::caller::Caller;
use super::letter;
use crate::syscall::call::{InFlight, Stop, SysResult};
use crate::syscall::errno::Errno;
use ::torus::TorusId;
use ::torus::file::Message;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::credentials::Identity;
use braid_files::remote::ask::{Ask, Who};
use braid_signals::Signal;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use fallible::with_capacity;
use ipc::parcel::Frames;
use mem::reclaim::Retry;
use sync::Lock;
use sync::Waiter;
use tori::rings::{self, Places};

/// Where a request stands.
pub(super) mod state {
    /// It is being looked at.
    pub const RUNNING: u8 = 0;
    /// It is being looked at, and has to be looked at once more.
    pub const WOKEN: u8 = 1;
    /// It waits on wait queues.
    pub const WAITING: u8 = 2;
    /// A message has been sent that has it looked at again.
    pub const QUEUED: u8 = 3;
    /// It has been answered.
    pub const DONE: u8 = 4;
}

/// A request of another torus.
pub struct Serving {
    pub(super) from: TorusId,
    /// The asker's name for it.
    pub(super) call: u64,
    pub(super) who: Who,
    pub(super) ask: Ask,
    pub(super) parcel: Frames,
    /// Memory for an answer, made before anything is done.
    pub(super) letter: Lock<Vec<u8>>,
    /// What its runs leave to each other.
    pub(super) in_flight: Lock<InFlight>,
    pub(super) state: AtomicU8,
    /// The own name for it, once it waits.
    pub(super) number: AtomicU64,
    /// What has been tried to get memory for it.
    pub(super) retry: Retry,
    /// Nobody hears when there is memory for it.
    pub(super) polls: AtomicBool,
    /// It cannot wait for what it waits for: there is no memory for that.
    pub(super) refused: AtomicBool,
    /// A timer was set for it.
    pub(super) timed: AtomicBool,
    /// The signal that the terminal has for the asker's group; 0: none.
    pub(super) background: AtomicU8,
    /// For its being woken, and for its answer.
    _places: Places,
}

impl Waiter for Serving {
    fn wake(self: Arc<Self>) {
        loop {
            match self.state.load(Ordering::Acquire) {
                state::WAITING if self.changes(state::WAITING, state::QUEUED) => {
                    return self.look_again();
                }
                state::RUNNING if self.changes(state::RUNNING, state::WOKEN) => return,
                state::WAITING | state::RUNNING => {}
                _ => return,
            }
        }
    }

    fn refuse(self: Arc<Self>) {
        self.refused.store(true, Ordering::Relaxed);
    }

    fn is_gone(&self) -> bool {
        self.state.load(Ordering::Acquire) == state::DONE
    }
}

impl Caller for Arc<Serving> {
    fn waiter(&self) -> Arc<dyn Waiter> {
        self.clone()
    }

    fn identity(&self) -> Identity {
        self.who.identity
    }

    fn file_limit(&self) -> u64 {
        self.who.file_limit
    }

    fn who(&self) -> Who {
        self.who
    }

    fn broken_pipe(&self, done: usize) -> SysResult {
        if done == 0 {
            return Err(Errno::EPIPE.into());
        }
        Ok(done)
    }

    /// It gets the signal, and nothing else is done.
    fn signal_group(&self, signal: Signal) -> Stop {
        self.background
            .store(signal.number() as u8, Ordering::Relaxed);
        Stop::Block
    }
}

impl Serving {
    /// A request that has come. ENOMEM without memory for it.
    pub(super) fn new(
        from: TorusId,
        call: u64,
        (who, ask): (Who, Ask),
        parcel: Frames,
    ) -> Result<Arc<Self>, Errno> {
        let letter = Lock::new(with_capacity(letter::SHORT)?);
        Ok(fallible::arc(Self {
            from,
            call,
            who,
            ask,
            parcel,
            letter,
            in_flight: Lock::new(InFlight::new()),
            state: AtomicU8::new(state::RUNNING),
            number: AtomicU64::new(0),
            retry: Retry::new(),
            polls: AtomicBool::new(false),
            refused: AtomicBool::new(false),
            timed: AtomicBool::new(false),
            background: AtomicU8::new(0),
            _places: Places::reserve(2)?,
        })?)
    }

    /// Sends this torus a message that has the request run again, after the messages that have come before it.
    pub(super) fn look_again(&self) {
        let request = self.number.load(Ordering::Acquire);
        rings::send(tori::here().id, Message::Woken { request });
    }

    /// As [`Self::look_again`], with a tick: nobody hears when it may go on.
    pub(super) fn look_later(&self) {
        let request = self.number.load(Ordering::Acquire);
        rings::look_later(Message::Woken { request });
    }

    /// Goes from one state to another, if it is in that.
    pub(super) fn changes(&self, from: u8, to: u8) -> bool {
        let (ok, fail) = (Ordering::AcqRel, Ordering::Acquire);
        self.state.compare_exchange(from, to, ok, fail).is_ok()
    }
}
