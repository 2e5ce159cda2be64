//! Tori: on Braid alone. A process that has moved works on where it is, and the next round takes it back.

use std::convert::Infallible;
use std::io;
use std::time::{Duration, Instant};

use braid_programs::{migrate_self, ring_probe, torus_info};

use super::faults::Order;
use super::{Setting, Work};
use crate::mark;
use crate::memory::{PAGE, Region};
use crate::process::Child;

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

/// Messages to a process of another torus, which answers each.
#[derive(Debug)]
pub(super) struct Messages {
    trips: usize,
    torus: u32,
    peer: Child,
}

impl Messages {
    pub(super) fn new(setting: &Setting) -> io::Result<Messages> {
        let (home, torus) = (torus_info(None)?.id as u32, other()?);
        let (_, before) = ring_probe(torus, 0, 0)?;
        let peer = Child::spawn(|| answer(torus, home).is_ok())?;
        ring_probe(torus, 0, before + 1)?;
        Ok(Messages {
            trips: setting.scaled(1024),
            torus,
            peer,
        })
    }
}

/// Moves to `torus`, tells `home` that it is there, and answers each message from there until it is killed.
fn answer(torus: u32, home: u32) -> io::Result<Infallible> {
    migrate_self(torus)?;
    let (_, mut expected) = ring_probe(home, 0, 0)?;
    loop {
        ring_probe(home, 1, 0)?;
        expected += 1;
        ring_probe(home, 0, expected)?;
    }
}

impl Work for Messages {
    fn operations(&self) -> u64 {
        self.trips as u64
    }

    fn round(&mut self) -> io::Result<()> {
        let (_, before) = ring_probe(self.torus, 0, 0)?;
        for trip in 1..=self.trips as u64 {
            ring_probe(self.torus, 1, 0)?;
            ring_probe(self.torus, 0, before + trip)?;
            mark::operation();
        }
        Ok(())
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        self.peer.kill();
    }
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
