//! Process ids that are unique on the machine without a global lock.
//!
//! A [`Pid`] names the torus where the process was **born**; the rest is a number that this torus gave. On torus
//! 0 the ids are small numbers, as on Linux. The birth torus keeps one entry in its [`Births`] for each of
//! its ids until the process is reaped, also while the process lives on another torus: the forwarding entry.
//!
//! *Finding a process.* A message to a process goes to its birth torus, which delivers it or sends it on to
//! where the process is. A torus that does not hold the process (it has just moved on) sends the message
//! back to the birth torus, where the news of the move arrives meanwhile. News may overtake one another, so
//! each carries the number of moves that the process has made, and older news is ignored. An id is given again only
//! when all news of its last process has been heard.

use alloc::collections::BTreeMap;
use core::fmt;
use fallible::TryMap;

use crate::{MAX_TORI, TorusId};

/// Bits of the number that the birth torus gives: Linux's own limit of 4 Mi processes.
const SERIAL_BITS: u32 = 22;
const SERIALS: u32 = 1 << SERIAL_BITS;

const _: () = assert!(
    (MAX_TORI as u64) << SERIAL_BITS <= 1 << 31,
    "a pid is a positive i32"
);

/// The id of a process: positive, unique on the machine, and naming the torus of its birth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(u32);

impl Pid {
    /// The first process of torus 0.
    pub const INIT: Self = Self(1);

    /// The process id that a program means by `number`; `None` if no process can have it.
    pub const fn from_raw(number: i32) -> Option<Self> {
        if number <= 0 || (number as u32).is_multiple_of(SERIALS) {
            return None;
        }
        let pid = Self(number as u32);
        if (pid.0 >> SERIAL_BITS) as usize >= MAX_TORI {
            None
        } else {
            Some(pid)
        }
    }

    /// The number that programs see.
    pub const fn raw(self) -> i32 {
        self.0 as i32
    }

    /// The torus where the process was born.
    pub fn birth(self) -> TorusId {
        TorusId::new((self.0 >> SERIAL_BITS) as usize).unwrap_or_default()
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a process is, as its birth torus knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Whereabouts {
    /// The torus that has it, or had it before news that are under way.
    pub torus: TorusId,
    /// How often it had moved when it arrived there.
    pub moves: u32,
}

/// What the birth torus knows of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Record {
    place: Whereabouts,
    /// Pieces of news heard; each move is told once.
    heard: u32,
    /// Once it is reaped: the moves that it made.
    ended: Option<u32>,
}

impl Record {
    const fn is_closed(&self) -> bool {
        matches!(self.ended, Some(moves) if moves == self.heard)
    }
}

/// Why a birth could not be registered or an entry not be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PidError {
    /// Every number of this torus is in use.
    #[error("torus {0} has no process id left")]
    Exhausted(TorusId),
    /// There is no memory for its record.
    #[error("no memory for a process id")]
    Memory,
    /// No process with this id was born here, or it has been reaped.
    #[error("no process {0}")]
    NoProcess(Pid),
}

/// The ids that one torus has given, and where their processes are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Births {
    torus: TorusId,
    /// Numbers given, with what is known of their processes.
    entries: BTreeMap<u32, Record>,
    /// Where the search for a free number begins: numbers come back as late as possible.
    next: u32,
}

impl Births {
    /// No process was born on `torus` yet.
    pub const fn new(torus: TorusId) -> Self {
        Self {
            torus,
            entries: BTreeMap::new(),
            next: 1,
        }
    }

    /// An id for a new process, which is on this torus.
    ///
    /// # Errors
    /// [`PidError::Exhausted`], [`PidError::Memory`].
    pub fn give(&mut self) -> Result<Pid, PidError> {
        if self.entries.len() as u32 >= SERIALS - 1 {
            return Err(PidError::Exhausted(self.torus));
        }
        loop {
            let serial = self.next;
            self.next = if serial + 1 == SERIALS { 1 } else { serial + 1 };
            if !self.entries.contains_key(&serial) {
                let place = Whereabouts {
                    torus: self.torus,
                    moves: 0,
                };
                let record = Record {
                    place,
                    heard: 0,
                    ended: None,
                };
                let entered = self.entries.put(serial, record);
                entered.map_err(|_| PidError::Memory)?;
                return Ok(Pid((self.torus.index() as u32) << SERIAL_BITS | serial));
            }
        }
    }

    /// Where the process is.
    ///
    /// # Errors
    /// [`PidError::NoProcess`].
    pub fn find(&self, pid: Pid) -> Result<Whereabouts, PidError> {
        let record = self
            .serial(pid)
            .and_then(|serial| self.entries.get(&serial));
        let living = record.filter(|record| record.ended.is_none());
        living
            .map(|record| record.place)
            .ok_or(PidError::NoProcess(pid))
    }

    /// News of a move, which each host sends once; where the process is now if it is the newest.
    ///
    /// # Errors
    /// [`PidError::NoProcess`].
    pub fn moved(&mut self, pid: Pid, to: Whereabouts) -> Result<(), PidError> {
        self.record(pid, |record| {
            record.heard += 1;
            if to.moves > record.place.moves {
                record.place = to;
            }
        })
    }

    /// The process has ended after so many moves and its status was collected: its id may be given again when
    /// the news of all these moves has come.
    ///
    /// # Errors
    /// [`PidError::NoProcess`].
    pub fn reaped(&mut self, pid: Pid, moves: u32) -> Result<(), PidError> {
        self.find(pid)?;
        self.record(pid, |record| record.ended = Some(moves))
    }

    /// Changes a record, and removes it if nothing more can come.
    fn record(&mut self, pid: Pid, change: impl FnOnce(&mut Record)) -> Result<(), PidError> {
        let serial = self.serial(pid).ok_or(PidError::NoProcess(pid))?;
        let record = self
            .entries
            .get_mut(&serial)
            .ok_or(PidError::NoProcess(pid))?;
        change(record);
        if record.is_closed() {
            self.entries.remove(&serial);
        }
        Ok(())
    }

    /// Ids in use.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no id is in use.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The number of an id that is of this torus.
    fn serial(&self, pid: Pid) -> Option<u32> {
        (pid.birth() == self.torus).then_some(pid.0 % SERIALS)
    }
}

#[cfg(test)]
mod tests;
