//! Processes.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsRawFd;

use super::{Setting, Work, tori};
use crate::mark;
use crate::memory::Region;
use crate::process::{Child, Command};

/// Making a process, and waiting for its end.
#[derive(Debug)]
pub(super) struct Fork {
    count: usize,
    memory: Region,
}

impl Fork {
    /// Of a process that has written to so many mebibytes.
    pub(super) fn new(setting: &Setting, mebibytes: usize) -> io::Result<Fork> {
        let count = if mebibytes > 16 { 8 } else { 64 };
        let mut memory = Region::new(setting.scaled(mebibytes << 20).next_multiple_of(1 << 20))?;
        memory.fill();
        Ok(Fork {
            count: setting.scaled(count),
            memory,
        })
    }
}

impl Work for Fork {
    fn operations(&self) -> u64 {
        self.count as u64
    }

    fn bytes(&self) -> u64 {
        (self.memory.pages() * crate::memory::PAGE) as u64
    }

    fn round(&mut self) -> io::Result<()> {
        for _ in 0..self.count {
            Child::spawn(|| true)?.wait()?;
            mark::operation();
        }
        Ok(())
    }
}

/// Gives this process and what it becomes /dev/null instead of the console.
fn without_console() -> io::Result<()> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    for descriptor in 0..3 {
        // SAFETY: G2, both descriptors are ours, and nobody holds the replaced one as a file.
        if unsafe { libc::dup2(null.as_raw_fd(), descriptor) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Making a process that executes a program.
#[derive(Debug)]
pub(super) struct Exec {
    count: usize,
    command: Command,
}

impl Exec {
    pub(super) fn new(setting: &Setting) -> io::Result<Exec> {
        // The console may belong to another torus, and a program asks at its start what its descriptors are.
        without_console()?;
        Ok(Exec {
            count: setting.scaled(16),
            command: Command::new(&setting.own)?,
        })
    }
}

impl Work for Exec {
    fn operations(&self) -> u64 {
        self.count as u64
    }

    fn round(&mut self) -> io::Result<()> {
        for _ in 0..self.count {
            Child::spawn(|| self.command.execute())?.wait()?;
            mark::operation();
        }
        Ok(())
    }
}

/// Two processes that hand a byte to and fro.
#[derive(Debug)]
pub(super) struct Switch {
    trips: usize,
    to: PipeWriter,
    from: PipeReader,
    /// Waited for at the end.
    _peer: Child,
}

/// The byte after which the peer ends.
const LAST: u8 = 1;

impl Switch {
    pub(super) fn new(setting: &Setting) -> io::Result<Switch> {
        Switch::with(setting.scaled(4096), || true)
    }

    /// With a peer on another torus.
    pub(super) fn across(setting: &Setting) -> io::Result<Switch> {
        let other = tori::other()?;
        let trips = setting.scaled(1024);
        Switch::with(trips, move || braid_programs::migrate_self(other).is_ok())
    }

    /// With a peer that begins with `first`.
    fn with(trips: usize, first: impl FnOnce() -> bool) -> io::Result<Switch> {
        let (mut read, to) = io::pipe()?;
        let (from, mut write) = io::pipe()?;
        let peer = Child::spawn(move || {
            let mut byte = [0];
            if !first() {
                return false;
            }
            while byte != [LAST] {
                if read
                    .read_exact(&mut byte)
                    .and_then(|()| write.write_all(&byte))
                    .is_err()
                {
                    return false;
                }
            }
            true
        })?;
        Ok(Switch {
            trips,
            to,
            from,
            _peer: peer,
        })
    }

    fn trip(&mut self, byte: u8) -> io::Result<()> {
        self.to.write_all(&[byte])?;
        self.from.read_exact(&mut [0])
    }
}

impl Work for Switch {
    fn operations(&self) -> u64 {
        2 * self.trips as u64
    }

    fn round(&mut self) -> io::Result<()> {
        for _ in 0..self.trips {
            self.trip(0)?;
            mark::operation();
            mark::operation();
        }
        Ok(())
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        // Without its last byte the peer would wait for ever; an error says that it has gone.
        let _ = self.trip(LAST);
    }
}
