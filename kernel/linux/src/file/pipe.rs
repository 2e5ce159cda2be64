//! Pipes: the two ends of a buffer.

mod file;

use super::caller::Caller;
use super::io::Transfer;
use super::local::local;
use crate::file::context::has_few;
use crate::process::charge::{self, Charge, Kind, One};
use crate::process::payer;
use crate::process::payer::Payer;
use crate::syscall::call::{Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::pipe::{FEW_SLOTS, Pipe, SLOT, SLOTS, USER_SOFT};
use core::sync::atomic::Ordering;
use fallible::TryVec;
use machine::cpu;
use sync::Lock;
use sync::{WaitQueue, Waiter};

struct Shared {
    number: u64,
    /// The user who has made it, and to whom its size is charged.
    user: u32,
    pipe: Lock<Charged>,
    /// Readers that wait for bytes, and pollers.
    readable: WaitQueue,
    /// Writers that wait for room, and pollers.
    writable: WaitQueue,
}

/// A pipe, and what it is charged.
struct Charged {
    pipe: Pipe,
    room: Charge,
    pages: Charge,
    _one: One,
}

impl Charged {
    /// Its pages have become more or fewer.
    fn recount(&mut self) {
        self.pages.set(self.pipe.pages() as u64);
    }

    /// Lets the pipe hold one page at the most while the torus's pipes have too many: its writers wait then as for a full pipe.
    fn economize(&mut self) {
        self.pipe.set_lean(!charge::has_room(Kind::PipePage, 1));
    }
}

/// Whether a user whose pipes have so much room is bound, and has too much.
fn is_too_much(payer: Payer, user: u32) -> bool {
    !payer.privileged && charge::of_user(Kind::PipeRoom, user) > USER_SOFT
}

/// One end of a pipe; closing it (dropping the last reference) tells the other end.
pub struct PipeEnd {
    shared: Arc<Shared>,
    writes: bool,
}

/// A new pipe: the reading end and the writing end. As on Linux a user whose pipes may have much gets a small one. ENFILE when there are too
/// many, unless the process has few descriptors.
pub fn new() -> Result<(PipeEnd, PipeEnd), Errno> {
    let payer = payer::payer();
    if !charge::has_room(Kind::Pipe, 1) && !has_few(payer) {
        return Err(Errno::ENFILE);
    }
    let mut pipe = Pipe::new();
    let mut room = Charge::new(Kind::PipeRoom, payer.user, SLOTS as u64);
    if is_too_much(payer, payer.user) {
        pipe.resize((FEW_SLOTS * SLOT) as u64)?;
        room.set(FEW_SLOTS as u64);
    }
    let charged = Charged {
        pipe,
        room,
        pages: Charge::none(Kind::PipePage),
        _one: One::new(Kind::Pipe),
    };
    let shared = fallible::arc(Shared {
        number: local().pipes.fetch_add(1, Ordering::Relaxed),
        user: payer.user,
        pipe: Lock::new(charged),
        readable: WaitQueue::new(),
        writable: WaitQueue::new(),
    })?;
    Ok((
        PipeEnd {
            shared: shared.clone(),
            writes: false,
        },
        PipeEnd {
            shared,
            writes: true,
        },
    ))
}

impl PipeEnd {
    /// Bytes in the pipe.
    fn available(&self) -> usize {
        self.shared.pipe.lock().pipe.len()
    }

    /// Its size in bytes.
    fn size(&self) -> usize {
        self.shared.pipe.lock().pipe.size()
    }

    /// Sets its size in bytes (F_SETPIPE_SZ); answers the new one. EPERM when it is to grow, and a user is bound whose pipes have too much
    /// then.
    fn resize(&self, bytes: u64) -> Result<usize, Errno> {
        let mut charged = self.shared.pipe.lock();
        let before = charged.pipe.size();
        let size = charged.pipe.resize(bytes)?;
        charged.room.set((size / SLOT) as u64);
        if size > before && is_too_much(payer::payer(), self.shared.user) {
            charged.pipe.resize(before as u64)?;
            charged.room.set((before / SLOT) as u64);
            return Err(Errno::EPERM);
        }
        drop(charged);
        self.shared.writable.wake_all();
        Ok(size)
    }

    /// Reads what there is; waits while there is nothing and somebody may still write.
    fn take_out(&self, caller: &dyn Caller, io: &mut Transfer, wait: bool) -> SysResult {
        let mut charged = self.shared.pipe.lock();
        let pipe = &mut charged.pipe;
        if io.left() == 0 {
            return Ok(io.done());
        }
        if pipe.is_empty() && io.done() == 0 {
            if pipe.writers == 0 {
                return Ok(0);
            }
            if !wait {
                return Err(Errno::EAGAIN.into());
            }
            self.shared.readable.add(caller.waiter());
            return Err(Stop::Block);
        }
        let result = move_out(pipe, io);
        charged.recount();
        drop(charged);
        self.shared.writable.wake_all();
        result.or_else(|stop| io.stopped(stop))?;
        Ok(io.done())
    }

    /// Writes all, waiting for room; with `packet` in packets. EPIPE when nobody can read any more.
    fn put_in(
        &self,
        caller: &dyn Caller,
        io: &mut Transfer,
        wait: bool,
        packet: bool,
    ) -> SysResult {
        let result = self.put(caller, io, wait, packet);
        self.shared.readable.wake_all();
        result
    }

    fn put(&self, caller: &dyn Caller, io: &mut Transfer, wait: bool, packet: bool) -> SysResult {
        loop {
            if io.left() == 0 {
                return Ok(io.done());
            }
            let mut charged = self.shared.pipe.lock();
            charged.economize();
            let pipe = &mut charged.pipe;
            let begun = io.done() > 0;
            if pipe.readers == 0 {
                drop(charged);
                return caller.broken_pipe(io.done());
            }
            let n = pipe.admits(io.left(), begun, packet);
            if n == 0 {
                if wait {
                    self.shared.writable.add(caller.waiter());
                    return Err(Stop::Block);
                }
                io.stopped(Errno::EAGAIN.into())?;
                return Ok(io.done());
            }
            let pushed = pipe.push(n, begun, packet, |to| take(io, to, n));
            charged.recount();
            if let Err(stop) = pushed {
                io.stopped(stop)?;
                return Ok(io.done());
            }
            drop(charged);
            if io.left() > 0 {
                cpu::let_interrupts_in();
            }
        }
    }

    /// What could be done without waiting; tells the waiter of changes.
    fn state(&self, waiter: Option<&Arc<dyn Waiter>>) -> State {
        let mut charged = self.shared.pipe.lock();
        charged.economize();
        let pipe = &charged.pipe;
        if let Some(waiter) = waiter {
            let queue = if self.writes {
                &self.shared.writable
            } else {
                &self.shared.readable
            };
            queue.add(waiter.clone());
        }
        State {
            readable: !self.writes && !pipe.is_empty(),
            writable: self.writes && pipe.is_writable(),
            closed: if self.writes {
                pipe.readers == 0
            } else {
                pipe.writers == 0
            },
        }
    }
}

/// Moves what there is of a pipe to a transfer: as much as fits, or a packet.
fn move_out(pipe: &mut Pipe, io: &mut Transfer) -> Result<(), Stop> {
    let mut result = Ok(());
    let mut ended = false;
    while !pipe.is_empty() && io.left() > 0 && result.is_ok() && !ended {
        match io.put(pipe.front()) {
            Ok(n) => {
                let (packet, whole) = (pipe.is_packet(), n == pipe.front().len());
                pipe.consume(n);
                ended = packet && (whole || io.left() == 0);
                if ended && !whole {
                    // The part of a packet for which a read has no room is lost.
                    pipe.drop_front();
                }
            }
            Err(stop) => result = Err(stop),
        }
        if io.left() > 0 {
            cpu::let_interrupts_in();
        }
    }
    result
}

/// Adds the next `n` bytes of a transfer to `to`, which has room for them: all, or (after an error) none counts as done.
fn take(io: &mut Transfer, to: &mut Vec<u8>, n: usize) -> Result<(), Stop> {
    let mut at = to.len();
    let (start, end) = (at, at + n);
    to.try_resize(end, 0)?;
    while at < end {
        match io.take(&mut to[at..end]) {
            Ok(taken) if taken > 0 => at += taken,
            stopped => {
                io.untake(at - start);
                stopped?;
                return Err(Errno::EFAULT.into());
            }
        }
    }
    Ok(())
}

/// What an end of a pipe is ready for.
struct State {
    /// There are bytes to read.
    readable: bool,
    /// There is room to write.
    writable: bool,
    /// The other end is closed.
    closed: bool,
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        let mut charged = self.shared.pipe.lock();
        let pipe = &mut charged.pipe;
        let count = if self.writes {
            &mut pipe.writers
        } else {
            &mut pipe.readers
        };
        *count -= 1;
        while pipe.readers == 0 && pipe.writers == 0 && !pipe.is_empty() {
            pipe.drop_front();
            cpu::let_interrupts_in();
        }
        drop(charged);
        self.shared.readable.wake_all();
        self.shared.writable.wake_all();
    }
}
