//! sendfile, copy_file_range: bytes that go from file to file, over the kernel's stack, or [between] tori.

mod between;

use super::super::content::LEN_MAX;
use super::super::flags::Flags;
use super::super::io::Transfer;
use super::super::open::OpenFile;
use super::super::own::Own;
use super::super::transfer;
use crate::file::context::HasFiles as _;
use crate::signal;
use crate::syscall::call::{Call, InFlight, Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use braid_signals::Signal;
use mem::user::{read_value, write_value};

/// Bytes that are moved in one step.
const BLOCK: usize = 2048;
/// The most bytes of one call (`MAX_RW_COUNT`).
const COUNT_MAX: u64 = 0x7fff_f000;

/// A file, and where in it.
struct Side {
    file: Arc<OpenFile>,
    at: At,
}

/// Where a side's position is kept; it moves with each block, so that a call that is cut short leaves it right.
#[derive(Clone, Copy)]
enum At {
    /// The file's own.
    File,
    /// A word of the program's memory at this address.
    Memory(usize),
}

impl Side {
    /// The side that an argument's descriptor and another one's pointer to a position name.
    fn new(call: &Call, fd: usize, pointer: usize) -> Result<Self, Errno> {
        let file = call.process.files().get_for_use(call.int(fd))?;
        let at = match call.size(pointer) {
            0 => At::File,
            address => At::Memory(address),
        };
        Ok(Self { file, at })
    }

    /// The position of which a read or write is told, and which it is.
    fn position(&self) -> Result<(Option<u64>, u64), Stop> {
        let At::Memory(address) = self.at else {
            return Ok((None, *self.file.offset.lock()));
        };
        if !self.file.has_positions() {
            return Err(Errno::ESPIPE.into());
        }
        let position: u64 = read_value(address)?;
        if position > LEN_MAX {
            return Err(Errno::EINVAL.into());
        }
        Ok((Some(position), position))
    }

    /// The position where a copy begins, also of a file of another torus.
    fn start(&self, call: &Call) -> Result<u64, Stop> {
        match (self.file.remote(), self.at) {
            (Some(remote), At::File) => between::position(call, remote),
            _ => Ok(self.position()?.1),
        }
    }

    /// Moves a position that lies in memory, where it was `start`; that of a file has moved.
    fn moved(&self, start: u64, n: usize) -> Result<(), Stop> {
        if let At::Memory(address) = self.at {
            write_value(address, start + n as u64)?;
        }
        Ok(())
    }

    /// Takes back bytes that were read and found no place.
    fn back(&self, n: u64) {
        if matches!(self.at, At::File) {
            *self.file.offset.lock() -= n;
        }
    }
}

/// sendfile(2).
pub fn sendfile(call: &mut Call) -> SysResult {
    let from = Side::new(call, 1, 2)?;
    if !from.file.flags().reads() {
        return Err(Errno::EBADF.into());
    }
    from.position()?;
    let file = call.process.files().get_for_use(call.int(0))?;
    if !file.flags().writes() {
        return Err(Errno::EBADF.into());
    }
    let appends = file.flags().contains(Flags::APPEND);
    if !is_source(&from.file) || appends {
        return Err(Errno::EINVAL.into());
    }
    let to = Side { file, at: At::File };
    copy(call, &from, &to, call.args[3])
}

/// Whether a file's bytes can be sent.
fn is_source(file: &OpenFile) -> bool {
    match file.remote() {
        Some(_) => file.is_regular(),
        None => file.has_positions() && !file.is_directory(),
    }
}

/// Whether two files are one.
fn are_one(call: &Call, from: &OpenFile, to: &OpenFile) -> Result<bool, Stop> {
    let inode = |file: &OpenFile| match file.remote() {
        Some(remote) => between::inode(call, remote),
        None => Ok(file.stat().inode),
    };
    let home = |file: &OpenFile| file.remote().map(|remote| remote.home);
    Ok(home(from) == home(to) && inode(from)? == inode(to)?)
}

/// copy_file_range(2).
pub fn copy_file_range(call: &mut Call) -> SysResult {
    let (from, to) = (Side::new(call, 0, 1)?, Side::new(call, 2, 3)?);
    from.position()?;
    to.position()?;
    if call.args[5] != 0 {
        return Err(Errno::EINVAL.into());
    }
    if from.file.is_directory() || to.file.is_directory() {
        return Err(Errno::EISDIR.into());
    }
    if !from.file.is_regular() || !to.file.is_regular() || !is_source(&from.file) {
        return Err(Errno::EINVAL.into());
    }
    let flags = to.file.flags();
    if !from.file.flags().reads() || !flags.writes() || flags.contains(Flags::APPEND) {
        return Err(Errno::EBADF.into());
    }
    let (start, target) = (from.start(call)?, to.start(call)?);
    let count = call.args[4];
    if start.checked_add(count).is_none() || target.checked_add(count).is_none() {
        return Err(Errno::EOVERFLOW.into());
    }
    if start.abs_diff(target) < count && are_one(call, &from.file, &to.file)? {
        return Err(Errno::EINVAL.into());
    }
    copy(call, &from, &to, count)
}

/// Copies up to `count` bytes, of which `inflight.done` have been copied.
fn copy(call: &mut Call, from: &Side, to: &Side, count: u64) -> SysResult {
    let count = count.min(COUNT_MAX) as usize;
    let is_between = between::is_between(call, from, to);
    while call.inflight.done < count {
        let left = count - call.inflight.done;
        let result = if is_between {
            between::step(call, from, to, left)
        } else {
            step(call, from, to, left.min(BLOCK)).or_else(|stop| full(call, to, stop))
        };
        match result {
            Ok(0) => break,
            Ok(_) => {}
            Err(Stop::Errno(errno)) => {
                if errno == Errno::EPIPE {
                    signal::send(call.process, Signal::PIPE);
                }
                if call.inflight.done == 0 {
                    return Err(errno.into());
                }
                break;
            }
            Err(stop) => return Err(stop),
        }
        if tori::pieces::pause() {
            return Err(Stop::Again);
        }
    }
    Ok(call.inflight.done)
}

/// Bytes that a pipe has no room for are sent by the next call, as on Linux: none are left of this one's when it has sent some.
fn full(call: &Call, to: &Side, stop: Stop) -> SysResult {
    let is_pipe = to.file.is_pipe() && to.file.remote().is_none();
    if stop == Stop::Block && is_pipe && call.inflight.done > 0 {
        return Ok(0);
    }
    Err(stop)
}

/// Copies a block; answers how many bytes that were, 0 at the end.
fn step(call: &mut Call, from: &Side, to: &Side, len: usize) -> SysResult {
    let ((source, source_start), (target, target_start)) = (from.position()?, to.position()?);
    let mut block = [0; BLOCK];
    let mut begun = InFlight::new();
    let caller = Own::of(call);
    let io = &mut Transfer::own(&mut block[..len], &mut begun).at(source);
    let read = transfer::read(&caller, &from.file, io)?;
    let mut written = InFlight::new();
    let io = &mut Transfer::own(&mut block[..read], &mut written).at(target);
    let result = transfer::write(&caller, &to.file, io);
    let done = written.done;
    from.back((read - done) as u64);
    call.inflight.done += done;
    from.moved(source_start, done)?;
    to.moved(target_start, done)?;
    match result {
        Err(stop) if done == 0 || !matches!(stop, Stop::Errno(_)) => Err(stop),
        _ => Ok(done),
    }
}
