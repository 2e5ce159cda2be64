//! An emulated network of tori: runs the migration machines of the `torus` crate without a machine.
//!
//! A [`World`] has tori with frames, swap slots, processes and deposits, and a wire for each ordered pair of
//! them. Wires keep their order; which wire delivers next, and what programs do meanwhile, is the
//! caller's choice ([`Action`]): from a seed ([`schedule`]) or exhaustively ([`explore()`]). A frame holds one
//! word instead of 4096 bytes. What each page must hold is kept beside the emulation; every touch is
//! compared with it, and [`World::check`] compares everything and counts the owners of every frame.

mod check;
mod explore;
mod home;
mod lease;
mod mapping;
mod memory;
mod migrate;
mod process;
mod pulling;
mod schedule;
mod swap;
mod torus_state;
mod touch;

use std::collections::{BTreeMap, VecDeque};

use torus::{
    DepositId, TorusId, family, lease as lent,
    message::{MessageError, Protocol, protocol_of},
    migrate::{self as moves, DepositEvent, Event},
    pid::Pid,
    ring::Line,
};
use vm::addr::Page;

pub use explore::{Explored, Step, explore};
pub use memory::{Backing, Entry, Memory};
pub use process::Op;
pub use schedule::{Rng, Statistics, schedule};
pub use torus_state::{Image, Object, Place, Process, Safe, Torus};

/// What went wrong, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong(pub String);

/// Nothing, or what went wrong.
pub type Outcome = Result<(), Wrong>;

impl<E: std::error::Error> From<E> for Wrong {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// One step of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The oldest message of a wire arrives.
    Deliver {
        /// Sender.
        from: TorusId,
        /// Receiver.
        to: TorusId,
    },
    /// A program does something.
    Op {
        /// Where it is.
        at: TorusId,
        /// Which.
        pid: Pid,
        /// The operation.
        op: Op,
    },
    /// Someone on a torus sends SIGKILL to a process, wherever it is.
    Kill {
        /// Where the sender is.
        from: TorusId,
        /// The process.
        pid: Pid,
    },
    /// A torus writes a frame to swap: the `index`th that it may.
    SwapOut {
        /// The torus.
        at: TorusId,
        /// Modulo the number of candidates.
        index: usize,
    },
    /// A read from swap that a pull waits for ends.
    ReadDone {
        /// The torus.
        at: TorusId,
        /// Modulo the number of reads under way.
        index: usize,
        /// Whether the device could read it.
        good: bool,
    },
    /// A torus refuses processes from now on, or takes them again.
    Refuse {
        /// The torus.
        at: TorusId,
        /// Whether it refuses.
        refuses: bool,
    },
}

/// What a page must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Expected {
    /// This word.
    Private(u64),
    /// The word of the shared object with this number.
    Shared(usize),
}

/// Several tori, the wires between them, and what every page must hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    tori: Vec<Torus>,
    wires: BTreeMap<(TorusId, TorusId), VecDeque<Line>>,
    /// What the pages of every living process must hold.
    memory: BTreeMap<Pid, BTreeMap<Page, Expected>>,
    objects: Vec<u64>,
    /// The last word that was written anywhere: each write is another word.
    written: u64,
    /// Processes that leave when the action is done.
    departing: Vec<(TorusId, Pid, TorusId)>,
    /// Processes that the machines want killed when the action is done.
    doomed: Vec<(TorusId, Pid)>,
    statistics: Statistics,
}

impl World {
    /// Tori with so many frames each, and no process.
    pub fn new(frames: &[usize]) -> Self {
        let tori = TorusId::first(frames.len()).zip(frames);
        Self {
            tori: tori.map(|(id, frames)| Torus::new(id, *frames)).collect(),
            wires: BTreeMap::new(),
            memory: BTreeMap::new(),
            objects: Vec::new(),
            written: 0,
            departing: Vec::new(),
            doomed: Vec::new(),
            statistics: Statistics::default(),
        }
    }

    /// The tori.
    pub fn tori(&self) -> &[Torus] {
        &self.tori
    }

    /// What has happened so far.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// Wires on which a message waits.
    pub fn busy_wires(&self) -> impl Iterator<Item = (TorusId, TorusId)> {
        self.wires.keys().copied()
    }

    /// Performs one action; one that is impossible now does nothing.
    ///
    /// # Errors
    /// [`Wrong`] if a page holds the wrong word, a frame is used that is not owned, or a machine refuses.
    pub fn apply(&mut self, action: Action) -> Outcome {
        match action {
            Action::Deliver { from, to } => self.deliver(from, to)?,
            Action::Op { at, pid, op } => self.op(at, pid, op)?,
            Action::Kill { from, pid } => self.send_kill(from, pid),
            Action::SwapOut { at, index } => self.swap_out(at, index),
            Action::ReadDone { at, index, good } => self.read_done(at, index, good)?,
            Action::Refuse { at, refuses } => self.torus(at).refuses = refuses,
        }
        while let Some((at, pid, to)) = self.departing.pop() {
            self.depart(at, pid, to)?;
        }
        while let Some((at, pid)) = self.doomed.pop() {
            self.kill(at, pid)?;
        }
        self.sweep_leases();
        Ok(())
    }

    fn torus(&mut self, id: TorusId) -> &mut Torus {
        &mut self.tori[id.index()]
    }

    fn process(&mut self, at: TorusId, pid: Pid) -> Option<&mut Process> {
        self.torus(at).processes.get_mut(&pid)
    }

    fn send(&mut self, from: TorusId, to: TorusId, message: impl Protocol) {
        self.statistics.messages += 1;
        self.wires
            .entry((from, to))
            .or_default()
            .push_back(message.encode());
    }

    fn deliver(&mut self, from: TorusId, to: TorusId) -> Outcome {
        let Some(wire) = self.wires.get_mut(&(from, to)) else {
            return Ok(());
        };
        let line = wire.pop_front();
        if wire.is_empty() {
            self.wires.remove(&(from, to));
        }
        match line {
            Some(line) => self.receive(to, from, &line),
            None => Ok(()),
        }
    }

    /// Gives a message to the machine that it is for.
    fn receive(&mut self, at: TorusId, from: TorusId, line: &Line) -> Outcome {
        match protocol_of(line) {
            moves::Message::PROTOCOL => self.about_move(at, from, moves::Message::decode(line)?),
            family::Message::PROTOCOL => self.about_process(at, family::Message::decode(line)?),
            lent::Message::PROTOCOL => self.about_lease(at, from, lent::Message::decode(line)?),
            _ => Err(MessageError::Kind(line.0[0]).into()),
        }
    }

    /// Messages about what is closed meanwhile are ignored where the protocol allows them.
    fn about_move(&mut self, at: TorusId, from: TorusId, message: moves::Message) -> Outcome {
        use moves::Message;
        match message {
            Message::Offer { pid, image } => self.adopt(at, from, pid, image),
            Message::Adopted { pid } => self.event(at, pid, Event::Adopted),
            Message::Refused { pid, reason } => self.event(at, pid, Event::Refused(reason)),
            Message::Departed { pid } => match self.process(at, pid) {
                Some(_) => self.event(at, pid, Event::Departed),
                None => Ok(()),
            },
            Message::Pull { deposit, span } => {
                self.at_home(at, deposit, DepositEvent::Pull { from, span }, false)
            }
            Message::Free { deposit, span } => {
                self.at_home(at, deposit, DepositEvent::Free { span }, false)
            }
            Message::Fork { parent, child } => {
                self.at_home(at, parent, DepositEvent::Fork { from, child }, true)
            }
            Message::Release { deposit } => self.at_home(at, deposit, DepositEvent::Release, false),
            Message::Grant { deposit, span } => {
                self.at_host(at, deposit, Event::Granted { deposit, span })
            }
            Message::Lost { deposit, page } => {
                self.at_host(at, deposit, Event::Lost { deposit, page })
            }
            Message::Forked { parent, child, .. } => {
                self.at_host(at, parent, Event::Forked { child })?;
                self.at_host(at, child, Event::Forked { child })
            }
            Message::ForkFailed { parent, child } => {
                self.at_host(at, parent, Event::ForkFailed { child })?;
                self.at_host(at, child, Event::ForkFailed { child })
            }
            other => panic!("nobody sends {other:?}"),
        }
    }

    fn about_process(&mut self, at: TorusId, message: family::Message) -> Outcome {
        use family::Message;
        match message {
            Message::Moved {
                pid,
                moves,
                at: torus,
            } => self.moved(at, pid, moves, torus),
            Message::Reaped { pid, moves } => Ok(self.torus(at).births.reaped(pid, moves)?),
            Message::Signal { to, .. } => self.signal(at, to, message),
            other => panic!("nobody sends {other:?}"),
        }
    }

    /// An event of a deposit; `must` it be open?
    fn at_home(
        &mut self,
        at: TorusId,
        deposit: DepositId,
        event: DepositEvent,
        must: bool,
    ) -> Outcome {
        if self.torus(at).deposits.contains_key(&deposit) {
            self.deposit_event(at, deposit, event)
        } else if must {
            Err(Wrong(format!(
                "torus {at} gets {event:?} for closed deposit {deposit}"
            )))
        } else {
            Ok(())
        }
    }

    /// An event of the process that has a claim on `deposit`, if it is still here.
    fn at_host(&mut self, at: TorusId, deposit: DepositId, event: Event) -> Outcome {
        let mut processes = self.torus(at).processes.iter();
        let pid = processes
            .find(|(_, process)| process.resident.claim_to(deposit).is_some())
            .map(|(pid, _)| *pid);
        pid.map_or(Ok(()), |pid| self.event(at, pid, event))
    }
}
