//! Blocks that are copied from or to a file of another torus.
//!
//! *Flow.* A block takes up to four questions, in the order in which each run of the call asks them: where the source is, its bytes, that the
//! target writes them, and that the source's own position moves. Its bytes are read at an explicit position, so that those that find no
//! place are not lost. The answers are consumed when the block is done.

use super::super::super::io::Transfer;
use super::super::super::own::Own;
use super::super::super::remote::asking::exchange;
use super::super::super::remote::bytes::{about, count};
use super::super::super::remote::journal::{consume, is_asked};
use super::super::super::remote::question::{Asking, Reply};
use super::super::super::remote::{self, reference::Remote};
use super::super::super::service::poll;
use super::super::super::transfer;
use super::{At, Side, full};
use crate::syscall::call::{Call, InFlight, Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::remote::answer::Answer;
use braid_files::remote::ask::{Ask, Request};
use fallible::TryVec;
use ipc::parcel::{Frames, PAYLOAD};
use sync::Waiter;

/// Bytes that are moved in one step.
const BLOCK: usize = 16 << 10;
/// Bytes that go over the kernel's stack at once.
const PART: usize = 1024;
/// "From where it is", of lseek(2).
const SEEK_CUR: u32 = 1;

/// Questions of a block that have been answered.
struct Asked(usize);

impl Asked {
    fn ask(&mut self, call: &Call, remote: &Remote, request: Request) -> Result<Reply, Stop> {
        let reply = remote::ask(call.thread, remote.home, &about(remote, request))?;
        self.0 += 1;
        Ok(reply)
    }

    fn exchange(
        &mut self,
        call: &Call,
        remote: &Remote,
        request: Request,
        payload: usize,
        fill: impl FnOnce(&Frames) -> Result<(), Stop>,
    ) -> Result<(usize, Arc<Asking>), Stop> {
        let question: Ask = about(remote, request);
        let (reply, asking) = exchange(call.thread, remote.home, &question, payload, fill)?;
        self.0 += 1;
        Ok((count(&reply)?.min(payload), asking))
    }

    /// The block is done: the next one asks anew.
    fn consume(self, call: &Call) {
        for _ in 0..self.0 {
            consume(call.thread);
        }
    }
}

/// The bytes of a block: in a parcel that has come back, in memory, or, where they have been sent already, nowhere.
enum Bytes {
    Came(Arc<Asking>, usize),
    Here(Vec<u8>),
    Sent,
}

/// The call's word: who reads its source, which is decided once, and above that how many bytes of the block a target of this torus
/// has, which it gets once.
const OWN: u64 = 1;
const CHANGED: u64 = 2;
const HAS: u32 = 2;

/// Whether a file of the boot archive had changed when the call began.
fn is_changed(call: &Call) -> bool {
    call.inflight.word & CHANGED != 0
}

/// Whether a copy is one between tori: also of a file of the boot archive that had changed when the call began.
pub(super) fn is_between(call: &mut Call, from: &Side, to: &Side) -> bool {
    if call.inflight.word == 0 {
        let is_changed = from.file.changed_elsewhere().is_some();
        call.inflight.word = if is_changed { CHANGED } else { OWN };
    }
    let is_remote = |side: &Side| side.file.remote().is_some();
    is_remote(from) || is_remote(to) || is_changed(call)
}

/// The inode of a file of another torus.
pub(super) fn inode(call: &Call, remote: &Remote) -> Result<u64, Stop> {
    match Asked(0).ask(call, remote, Request::Stat)? {
        Reply::Answer(Answer::Stat { stat }) => Ok(stat.inode),
        _ => Err(Errno::EIO.into()),
    }
}

/// The position of a file of another torus.
pub(super) fn position(call: &Call, remote: &Remote) -> Result<u64, Stop> {
    Asked(0).position(call, remote)
}

impl Asked {
    fn position(&mut self, call: &Call, remote: &Remote) -> Result<u64, Stop> {
        let here = Request::Seek {
            offset: 0,
            whence: SEEK_CUR,
        };
        Ok(count(&self.ask(call, remote, here)?)? as u64)
    }

    /// Where a source is.
    fn start(&mut self, call: &Call, from: &Side) -> Result<u64, Stop> {
        match (from.file.remote(), from.at) {
            (Some(remote), At::File) => self.position(call, remote),
            _ => Ok(from.position()?.1),
        }
    }

    /// The bytes of a source at a position.
    fn read(&mut self, call: &Call, from: &Side, at: u64, len: usize) -> Result<Bytes, Stop> {
        let came = match (from.file.remote(), from.file.archive()) {
            (Some(remote), _) => Some(self.fetch(call, remote, at, len)?),
            (None, Some(id)) if is_changed(call) => {
                Some(self.fetch(call, &remote::bytes::changed(id), at, len)?)
            }
            _ => None,
        };
        if let Some(bytes) = came {
            return Ok(bytes);
        }
        if is_asked(call.thread) {
            return Ok(Bytes::Sent);
        }
        let mut bytes = Vec::new();
        bytes.try_resize(len, 0)?;
        let mut begun = InFlight::new();
        let io = &mut Transfer::own(&mut bytes, &mut begun).at(Some(at));
        let caller = Own::of(call);
        let n = transfer::read(&caller, &from.file, io)?;
        bytes.truncate(n);
        Ok(Bytes::Here(bytes))
    }

    fn fetch(&mut self, call: &Call, from: &Remote, at: u64, len: usize) -> Result<Bytes, Stop> {
        let request = Request::Read {
            len: len as u32,
            position: Some(at),
        };
        let (n, asking) = self.exchange(call, from, request, len, |_| Ok(()))?;
        Ok(Bytes::Came(asking, n))
    }

    /// Has a target write bytes; how many it has.
    fn write(&mut self, call: &Call, remote: &Remote, to: &Side, bytes: &Bytes) -> SysResult {
        let (position, _) = to.position()?;
        let len = match bytes {
            Bytes::Came(_, n) => *n,
            Bytes::Here(bytes) => bytes.len(),
            Bytes::Sent => BLOCK,
        };
        let request = Request::Write {
            len: len as u32,
            total: len as u64,
            position,
        };
        Ok(self
            .exchange(call, remote, request, len, |to| fill(to, bytes))?
            .0)
    }

    /// Moves a source's position by bytes that have found their place.
    fn moved(&mut self, call: &Call, from: &Side, start: u64, n: usize) -> Result<(), Stop> {
        match (from.file.remote(), from.at) {
            (Some(remote), At::File) => {
                let on = Request::Seek {
                    offset: n as i64,
                    whence: SEEK_CUR,
                };
                self.ask(call, remote, on)?;
            }
            (_, At::File) => *from.file.offset.lock() = start + n as u64,
            (_, At::Memory(_)) => from.moved(start, n)?,
        }
        Ok(())
    }
}

/// Writes bytes that have come to a file of this torus, unless an earlier run has; how many it has.
fn write_here(call: &mut Call, to: &Side, bytes: &Bytes) -> SysResult {
    let has = call.inflight.word >> HAS;
    if has > 0 {
        return Ok(has as usize);
    }
    let Bytes::Came(asking, n) = bytes else {
        return Err(Errno::EIO.into());
    };
    let (position, _) = to.position()?;
    let mut written = InFlight::new();
    let io = &mut Transfer::lent(asking.payload(), *n, *n, &mut written).at(position);
    let caller = Own::of(call);
    let result = transfer::write(&caller, &to.file, io);
    if written.done == 0 {
        return result;
    }
    call.inflight.word |= (written.done as u64) << HAS;
    Ok(written.done)
}

/// Whether a pipe of this torus has room, or says at once that it has none; else it wakes the caller when it has. Signals interrupt this wait,
/// in which nothing has been asked.
fn has_room(call: &Call, to: &Side) -> bool {
    if !to.file.is_pipe() || to.file.remote().is_some() || !to.file.waits() {
        return true;
    }
    let waiter: Arc<dyn Waiter> = (**call.thread).clone();
    to.file.events(poll::OUT, Some(&waiter)) & (poll::OUT | poll::ERR) != 0
}

/// Puts bytes into a payload.
fn fill(to: &Frames, bytes: &Bytes) -> Result<(), Stop> {
    match bytes {
        Bytes::Here(bytes) => {
            to.write(PAYLOAD, bytes);
        }
        Bytes::Came(asking, n) => {
            let mut part = [0; PART];
            for at in (0..*n).step_by(PART) {
                let part = &mut part[..PART.min(n - at)];
                asking.payload().read(PAYLOAD + at, part);
                to.write(PAYLOAD + at, part);
            }
        }
        // The home was told to leave it: the next run begins with the bytes.
        Bytes::Sent => return Err(Stop::Again),
    }
    Ok(())
}

/// Copies a block; answers how many bytes that were, 0 at the end.
pub(super) fn step(call: &mut Call, from: &Side, to: &Side, left: usize) -> SysResult {
    if !is_asked(call.thread) && call.inflight.word >> HAS == 0 && !has_room(call, to) {
        return full(call, to, Stop::Block);
    }
    let mut asked = Asked(0);
    let start = asked.start(call, from)?;
    let bytes = asked.read(call, from, start, left.min(BLOCK))?;
    let is_end = match &bytes {
        Bytes::Came(_, n) => *n == 0,
        Bytes::Here(bytes) => bytes.is_empty(),
        Bytes::Sent => false,
    };
    if is_end {
        return Ok(0);
    }
    let target = to.position()?.1;
    let n = match to.file.remote() {
        Some(remote) => asked.write(call, remote, to, &bytes)?,
        None => match write_here(call, to, &bytes) {
            Ok(n) => n,
            Err(stop) => {
                // While the target is waited for, signals need not wait for what has been asked.
                asked.consume(call);
                return full(call, to, stop);
            }
        },
    };
    asked.moved(call, from, start, n)?;
    call.inflight.word &= (1 << HAS) - 1;
    to.moved(target, n)?;
    asked.consume(call);
    call.inflight.done += n;
    Ok(n)
}
