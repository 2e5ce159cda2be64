//! Where a machine's output goes and its input comes from: descriptors of the host, or memory for tests.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A pipe accepts this many bytes without blocking once it is writable (`PIPE_BUF`).
const PIECE: usize = 4096;
/// Output is taken from the machine only while less than this waits, in bytes.
const MOST_PENDING: usize = 64 << 10;

/// Where output goes.
#[derive(Debug)]
pub enum Sink {
    /// A descriptor, and what it has not accepted yet.
    Host(OwnedFd, VecDeque<u8>),
    /// Memory.
    Memory(Vec<u8>),
    /// Nowhere.
    Nowhere,
}

impl Sink {
    /// A descriptor of our own, duplicated.
    ///
    /// # Errors
    /// Those of `dup`.
    pub fn host(fd: BorrowedFd<'_>) -> io::Result<Sink> {
        Ok(Sink::Host(fd.try_clone_to_owned()?, VecDeque::new()))
    }

    /// Takes bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        match self {
            Sink::Host(_, pending) => pending.extend(bytes),
            Sink::Memory(memory) => memory.extend_from_slice(bytes),
            Sink::Nowhere => {}
        }
    }

    /// The descriptor, while bytes wait for it.
    #[must_use]
    pub fn waiting(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Sink::Host(fd, pending) if !pending.is_empty() => Some(fd.as_fd()),
            _ => None,
        }
    }

    /// Whether so much waits that the machine has to wait too.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Sink::Host(_, pending) if pending.len() >= MOST_PENDING)
    }

    /// Writes what the descriptor, said to be writable, accepts at once.
    ///
    /// # Errors
    /// Those of `write`; what waits is then dropped.
    pub fn write(&mut self) -> io::Result<()> {
        let Sink::Host(fd, pending) = self else {
            return Ok(());
        };
        let (front, _) = pending.as_slices();
        let piece = &front[..front.len().min(PIECE)];
        match rustix::io::write(&*fd, piece) {
            Ok(count) => {
                pending.drain(..count);
                Ok(())
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(()),
            Err(error) => {
                pending.clear();
                Err(error.into())
            }
        }
    }

    /// What was collected in memory.
    #[must_use]
    pub fn into_memory(self) -> Vec<u8> {
        match self {
            Sink::Memory(memory) => memory,
            Sink::Host(..) | Sink::Nowhere => Vec::new(),
        }
    }
}

/// Where input comes from.
#[derive(Debug)]
pub enum Source {
    /// A descriptor.
    Host(OwnedFd),
    /// Memory.
    Memory(VecDeque<u8>),
    /// Nowhere: it has ended.
    Ended,
    /// Nowhere: it stays open and silent.
    Silent,
}

/// What a source gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Nothing now.
    Nothing,
    /// Nothing any more.
    End,
}

impl Source {
    /// A descriptor of our own, duplicated.
    ///
    /// # Errors
    /// Those of `dup`.
    pub fn host(fd: BorrowedFd<'_>) -> io::Result<Source> {
        Ok(Source::Host(fd.try_clone_to_owned()?))
    }

    /// The next bytes, at most `most`. A descriptor has to be readable.
    pub fn read(&mut self, most: usize) -> Input {
        match self {
            Source::Host(fd) => {
                let mut bytes = vec![0; most];
                match rustix::io::read(&*fd, &mut bytes[..]) {
                    Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Input::Nothing,
                    // A terminal that has gone gives EIO: that is its end.
                    Ok(0) | Err(_) => Input::End,
                    Ok(count) => {
                        bytes.truncate(count);
                        Input::Bytes(bytes)
                    }
                }
            }
            Source::Memory(memory) if memory.is_empty() => Input::End,
            Source::Memory(memory) => {
                Input::Bytes(memory.drain(..most.min(memory.len())).collect())
            }
            Source::Ended => Input::End,
            Source::Silent => Input::Nothing,
        }
    }
}
