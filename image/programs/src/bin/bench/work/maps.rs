//! Changes of mappings.

use std::io;

use super::{Setting, Work};
use crate::mark;
use crate::memory::{PAGE, Region, brk};

/// Bytes that each operation is about.
const BYTES: usize = 16 * PAGE;

/// Mapping, perhaps touching, and unmapping.
#[derive(Debug)]
pub(super) struct MapUnmap {
    count: usize,
    touch: bool,
}

impl MapUnmap {
    pub(super) fn new(setting: &Setting, touch: bool) -> MapUnmap {
        let count = if touch { 512 } else { 8192 };
        MapUnmap {
            count: setting.scaled(count),
            touch,
        }
    }
}

impl Work for MapUnmap {
    fn operations(&self) -> u64 {
        self.count as u64
    }

    fn bytes(&self) -> u64 {
        BYTES as u64
    }

    fn round(&mut self) -> io::Result<()> {
        for _ in 0..self.count {
            let mut region = Region::new(BYTES)?;
            if self.touch {
                region.fill();
            }
            drop(region);
            mark::operation();
        }
        Ok(())
    }
}

/// Taking the right to write away, and giving it back.
#[derive(Debug)]
pub(super) struct Protect {
    count: usize,
    region: Region,
}

impl Protect {
    pub(super) fn new(setting: &Setting) -> io::Result<Protect> {
        let mut region = Region::fenced(BYTES)?;
        region.fill();
        Ok(Protect {
            count: setting.scaled(8192),
            region,
        })
    }
}

impl Work for Protect {
    fn operations(&self) -> u64 {
        self.count as u64
    }

    fn bytes(&self) -> u64 {
        BYTES as u64
    }

    fn round(&mut self) -> io::Result<()> {
        for _ in 0..self.count / 2 {
            self.region.protect(libc::PROT_READ)?;
            mark::operation();
            self.region.protect(libc::PROT_READ | libc::PROT_WRITE)?;
            mark::operation();
        }
        Ok(())
    }
}

/// Moving the end of the heap up and down.
#[derive(Debug)]
pub(super) struct Brk {
    count: usize,
    end: usize,
}

impl Brk {
    pub(super) fn new(setting: &Setting) -> Brk {
        Brk {
            count: setting.scaled(8192),
            end: 0,
        }
    }
}

impl Work for Brk {
    fn operations(&self) -> u64 {
        self.count as u64
    }

    fn bytes(&self) -> u64 {
        BYTES as u64
    }

    fn prepare(&mut self) -> io::Result<()> {
        self.end = brk(0);
        Ok(())
    }

    fn round(&mut self) -> io::Result<()> {
        for _ in 0..self.count {
            if brk(self.end + BYTES) != self.end + BYTES || brk(self.end) != self.end {
                return Err(io::Error::other("brk does not move the end of the heap"));
            }
            mark::operation();
        }
        Ok(())
    }
}
