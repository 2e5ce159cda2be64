//! Tori: on Braid alone. A process that has moved works on where it is, and the next round takes it back.

use std::io;
use std::time::{Duration, Instant};

use braid_programs::{migrate_self, torus_info};

use super::faults::Order;
use super::{Setting, Work};
use crate::mark;
use crate::memory::{PAGE, Region};

/// Bytes of memory whose pages are touched.
const MEMORY: usize = 16 << 20;
/// How often a process that waits for its memory looks.
const LOOK: Duration = Duration::from_micros(500);
/// How long it waits at most.
const PATIENCE: Duration = Duration::from_secs(60);

/// A torus that is not the caller's.
pub(super) fn other() -> io::Result<u32> {
    let own = torus_info(None)?;
    Ok(((own.id + 1) % own.tori) as u32)
}

/// What the end of a move is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// The process goes on at its new torus.
    Goes,
    /// All its memory has come, while it sleeps.
    Settled,
}

/// Moves of a process, all of whose memory is where it is.
#[derive(Debug)]
pub(super) struct Move {
    memory: Region,
    until: Until,
}

impl Move {
    pub(super) fn new(setting: &Setting, until: Until) -> io::Result<Move> {
        let memory = Region::new(setting.scaled(setting.size as usize))?;
        Ok(Move { memory, until })
    }
}

impl Work for Move {
    fn operations(&self) -> u64 {
        1
    }

    fn bytes(&self) -> u64 {
        (self.memory.pages() * PAGE) as u64
    }

    fn prepare(&mut self) -> io::Result<()> {
        self.memory.fill();
        Ok(())
    }

    fn round(&mut self) -> io::Result<()> {
        let to = other()?;
        let before = torus_info(Some(to))?.pages_pulled;
        migrate_self(to)?;
        if self.until == Until::Settled {
            settle(before + self.memory.pages() as u64)?;
        }
        mark::operation();
        Ok(())
    }
}

/// Sleeps until so many pages have come to this torus.
fn settle(pages: u64) -> io::Result<()> {
    let begin = Instant::now();
    while torus_info(None)?.pages_pulled < pages {
        if begin.elapsed() > PATIENCE {
            return Err(io::Error::from(io::ErrorKind::TimedOut));
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// Pages that stayed behind when the process moved.
#[derive(Debug)]
pub(super) struct Pull {
    memory: Region,
    order: Vec<usize>,
}

impl Pull {
    pub(super) fn new(setting: &Setting, order: Order) -> io::Result<Pull> {
        let memory = Region::new(setting.scaled(MEMORY))?;
        let order = order.of(memory.pages());
        Ok(Pull { memory, order })
    }
}

impl Work for Pull {
    fn operations(&self) -> u64 {
        self.order.len() as u64
    }

    fn bytes(&self) -> u64 {
        (self.order.len() * PAGE) as u64
    }

    fn prepare(&mut self) -> io::Result<()> {
        self.memory.fill();
        Ok(())
    }

    /// The move is a part of it: before a round the process waits, and its torus would pull the pages meanwhile.
    fn round(&mut self) -> io::Result<()> {
        migrate_self(other()?)?;
        for &page in &self.order {
            self.memory.read(page);
            mark::operation();
        }
        Ok(())
    }
}

/// Pages that are there, whether or not they have come from another torus.
#[derive(Debug)]
pub(super) struct Touch {
    memory: Region,
    order: Vec<usize>,
}

/// How often each page is touched in a round.
const TIMES: usize = 16;

impl Touch {
    pub(super) fn new(setting: &Setting, moved: bool) -> io::Result<Touch> {
        let mut memory = Region::new(setting.scaled(MEMORY))?;
        memory.fill();
        if moved {
            migrate_self(other()?)?;
            memory.fill();
        }
        let order = Order::Random.of(memory.pages());
        Ok(Touch { memory, order })
    }
}

impl Work for Touch {
    fn operations(&self) -> u64 {
        (TIMES * self.order.len()) as u64
    }

    fn bytes(&self) -> u64 {
        (self.order.len() * PAGE) as u64
    }

    fn round(&mut self) -> io::Result<()> {
        for _ in 0..TIMES {
            for &page in &self.order {
                self.memory.read(page);
                mark::operation();
            }
        }
        Ok(())
    }
}
