//! Moving bytes between whoever asks and a file, in as many runs of the call as it takes.

use crate::mem::user::UserBuffers;
use crate::sched::time::Nanos;
use crate::syscall::call::{InFlight, Stop};

/// The bytes of one read or write. What earlier runs of the call moved counts as done.
pub struct Transfer<'a> {
    buffers: UserBuffers,
    total: usize,
    inflight: &'a mut InFlight,
}

impl<'a> Transfer<'a> {
    /// The transfer of a call that has to move `buffers`.
    pub fn new(mut buffers: UserBuffers, inflight: &'a mut InFlight) -> Self {
        let total = buffers.remaining();
        buffers.skip(inflight.done);
        Self {
            buffers,
            total,
            inflight,
        }
    }

    /// Bytes asked for.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Bytes moved, in this run and earlier ones.
    pub fn done(&self) -> usize {
        self.inflight.done
    }

    /// Bytes still to be moved.
    pub fn left(&self) -> usize {
        self.buffers.remaining()
    }

    /// Copies bytes to the program; answers how many, 0 only when nothing is left.
    pub fn put(&mut self, from: &[u8]) -> Result<usize, Stop> {
        let n = self.buffers.put(from)?;
        self.inflight.done += n;
        Ok(n)
    }

    /// Copies bytes from the program; answers how many, 0 only when nothing is left.
    pub fn take(&mut self, to: &mut [u8]) -> Result<usize, Stop> {
        let n = self.buffers.take(to)?;
        self.inflight.done += n;
        Ok(n)
    }

    /// Takes back the last `n` bytes: they were taken from the program and found no place.
    pub fn untake(&mut self, n: usize) {
        self.inflight.done -= n;
    }

    /// What stops a transfer: a wait goes on, an error counts only when nothing was moved.
    pub fn stopped(&self, stop: Stop) -> Result<(), Stop> {
        match stop {
            Stop::Errno(_) if self.done() > 0 => Ok(()),
            stop => Err(stop),
        }
    }
}

impl Transfer<'_> {
    /// The time at which the call gives up: as set on its first run, else `deadline`.
    pub fn deadline_or(&mut self, deadline: Nanos) -> Nanos {
        *self.inflight.deadline.get_or_insert(deadline)
    }
}
