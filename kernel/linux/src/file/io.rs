//! Moving bytes between whoever asks and a file, in as many runs of the call as it takes.

use crate::syscall::call::{InFlight, Stop};
use braid_time::Nanos;
use ipc::parcel::{Frames, PAYLOAD};
use mem::user::UserBuffers;

/// The most bytes that move in one step, before interrupts are let in.
pub const PIECE: usize = 8 << 10;

/// Where the bytes come from or go to.
enum Buffers<'a> {
    /// The memory of a program.
    Program(UserBuffers),
    /// The payload of a request: bytes from the start of the second number to that of the third.
    Lent(&'a Frames, usize, usize),
    /// Memory of the kernel, of which the first bytes have been moved.
    Kernel(&'a mut [u8], usize),
}

impl Buffers<'_> {
    fn remaining(&self) -> usize {
        match self {
            Self::Program(buffers) => buffers.remaining(),
            Self::Lent(_, at, end) => end - at,
            Self::Kernel(bytes, at) => bytes.len() - at,
        }
    }

    fn skip(&mut self, len: usize) {
        match self {
            Self::Program(buffers) => buffers.skip(len),
            Self::Lent(_, at, end) => *at = (*at + len).min(*end),
            Self::Kernel(bytes, at) => *at = (*at + len).min(bytes.len()),
        }
    }

    fn put(&mut self, from: &[u8]) -> Result<usize, Stop> {
        match self {
            Self::Program(buffers) => Ok(buffers.put(from)?),
            Self::Lent(frames, at, end) => {
                let n = frames.write(PAYLOAD + *at, &from[..from.len().min(*end - *at)]);
                *at += n;
                Ok(n)
            }
            Self::Kernel(bytes, at) => {
                let n = from.len().min(bytes.len() - *at);
                bytes[*at..*at + n].copy_from_slice(&from[..n]);
                *at += n;
                Ok(n)
            }
        }
    }

    fn take(&mut self, to: &mut [u8]) -> Result<usize, Stop> {
        match self {
            Self::Program(buffers) => Ok(buffers.take(to)?),
            Self::Lent(frames, at, end) => {
                let n = to.len().min(*end - *at);
                let n = frames.read(PAYLOAD + *at, &mut to[..n]);
                *at += n;
                Ok(n)
            }
            Self::Kernel(bytes, at) => {
                let n = to.len().min(bytes.len() - *at);
                to[..n].copy_from_slice(&bytes[*at..*at + n]);
                *at += n;
                Ok(n)
            }
        }
    }
}

/// The bytes of one read or write. What earlier runs of the call moved counts as done.
pub struct Transfer<'a> {
    buffers: Buffers<'a>,
    total: usize,
    /// Where in the file, if that is not the file's own offset.
    position: Option<u64>,
    inflight: &'a mut InFlight,
}

impl<'a> Transfer<'a> {
    /// The transfer of a call that has to move `buffers`.
    #[inline]
    pub fn new(buffers: UserBuffers, inflight: &'a mut InFlight) -> Self {
        let total = buffers.remaining();
        Self::of(Buffers::Program(buffers), total, inflight)
    }

    /// The transfer of a request that has to move `len` bytes of its payload, for a call that moves `total`.
    pub fn lent(frames: &'a Frames, len: usize, total: usize, inflight: &'a mut InFlight) -> Self {
        Self::of(Buffers::Lent(frames, 0, len), total, inflight)
    }

    /// The transfer of bytes to or from the kernel's own memory.
    pub fn own(bytes: &'a mut [u8], inflight: &'a mut InFlight) -> Self {
        let total = bytes.len();
        Self::of(Buffers::Kernel(bytes, 0), total, inflight)
    }

    #[inline]
    fn of(mut buffers: Buffers<'a>, total: usize, inflight: &'a mut InFlight) -> Self {
        if inflight.done > 0 {
            buffers.skip(inflight.done);
        }
        Self {
            buffers,
            total,
            position: None,
            inflight,
        }
    }

    /// The same at a position in the file.
    #[must_use]
    #[inline]
    pub fn at(self, position: Option<u64>) -> Self {
        Self { position, ..self }
    }

    /// The position in the file at which it begins; `None` is the file's own offset.
    #[inline]
    pub fn position(&self) -> Option<u64> {
        self.position
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
        let n = self.buffers.put(&from[..from.len().min(PIECE)])?;
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

    /// Between two steps of a long transfer, without a lock that an interrupt takes: lets interrupts in.
    /// [`Stop::Again`] when there is something else to do. Requests are short.
    pub fn pause(&self) -> Result<(), Stop> {
        let long = matches!(&self.buffers, Buffers::Program(left) if left.remaining() > 0);
        if long && tori::pieces::pause() {
            Err(Stop::Again)
        } else {
            Ok(())
        }
    }

    /// What stops a transfer: a wait goes on, an error counts only when nothing was moved.
    pub fn stopped(&self, stop: Stop) -> Result<(), Stop> {
        stop.after(self.done())
    }
}

impl Transfer<'_> {
    /// The time at which the call gives up: as set on its first run, else `deadline`.
    pub fn deadline_or(&mut self, deadline: Nanos) -> Nanos {
        *self.inflight.deadline.get_or_insert(deadline)
    }
}
