//! Reading, writing and listing files of other tori: the bytes travel in the payload of a parcel.

use super::super::facts::MAIN;
use super::super::flags::Flags;
use super::super::open::OpenFile;
use super::asking::{ask, exchange};
use super::journal::consume;
use super::question::Reply;
use super::reference::Remote;
use crate::process::Current;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use braid_files::archive::NodeId;
use braid_files::remote::answer::{Answer, Description};
use braid_files::remote::ask::{Ask, Request, Subject, archive};
use ipc::parcel::{Frames, PAYLOAD, PAYLOAD_MAX};
use mem::object::ObjectRef;
use mem::user::{UserBuffers, UserSlice};

/// Bytes that are moved at once: more takes several requests.
pub(super) const CHUNK: usize = PAYLOAD_MAX / 4;
/// Bytes that go over the kernel's stack at once.
const BLOCK: usize = 1024;

/// A question about a file.
pub fn about(remote: &Remote, request: Request) -> Ask {
    let number = remote.number;
    let subject = Subject::File { number };
    Ask::About { subject, request }
}

/// The number of bytes that a home says it has moved.
pub fn count(reply: &Reply) -> Result<usize, Errno> {
    match reply {
        Reply::Answer(Answer::Done { value }) => Ok(*value as usize),
        _ => Err(Errno::EIO),
    }
}

/// What a shared mapping of a file shows, and whether it is sealed against writing.
pub fn map(thread: &Current, remote: &Remote) -> Result<(ObjectRef, bool), Stop> {
    match ask(thread, remote.home, &about(remote, Request::Map))? {
        Reply::Object(object, sealed) => Ok((object, sealed)),
        Reply::Answer(_) | Reply::Opened(_) => Err(Errno::EIO.into()),
    }
}

/// read(2) and its kin.
pub fn read(
    call: &mut Call,
    file: &OpenFile,
    remote: &Remote,
    mut buffers: UserBuffers,
    position: Option<u64>,
) -> SysResult {
    buffers.skip(call.inflight.done);
    loop {
        let done = call.inflight.done;
        let Some(len) = next_part(done, &buffers)? else {
            return Ok(done);
        };
        let request = Request::Read {
            len: len as u32,
            position: position.map(|position| position + done as u64),
        };
        let question = about(remote, request);
        let asked = exchange(call.thread, remote.home, &question, len, |_| Ok(()));
        let Some((reply, asking)) = unless_begun(done, asked)? else {
            return Ok(done);
        };
        let n = count(&reply)?;
        copy_out(call, &mut buffers, asking.payload(), n)?;
        consume(call.thread);
        call.inflight.word = 0;
        if n < len || len == 0 || !file.is_regular() {
            return Ok(call.inflight.done);
        }
    }
}

/// How many bytes to move next: what the program's buffers can take or give at once, so that bytes which are taken from a pipe
/// find their place. `None` when the call ends with the `done` bytes that it has moved.
fn next_part(done: usize, buffers: &UserBuffers) -> Result<Option<usize>, Stop> {
    if done > 0 && buffers.remaining() == 0 {
        return Ok(None);
    }
    unless_begun(done, buffers.probe(CHUNK).map_err(Stop::from))
}

/// A stop in a later part of a call that has moved bytes is no error: the call ends with what it has.
fn unless_begun<T>(done: usize, result: Result<T, Stop>) -> Result<Option<T>, Stop> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(stop) => stop.after(done).map(|()| None),
    }
}

/// Copies the first `n` bytes of a payload to the program. `inflight.word` of them were copied by earlier runs.
fn copy_out(
    call: &mut Call,
    buffers: &mut UserBuffers,
    payload: &Frames,
    n: usize,
) -> Result<(), Stop> {
    let mut block = [0; BLOCK];
    while (call.inflight.word as usize) < n {
        let done = call.inflight.word as usize;
        let wanted = BLOCK.min(n - done);
        payload.read(PAYLOAD + done, &mut block[..wanted]);
        let moved = buffers.put(&block[..wanted])?;
        call.inflight.word += moved as u64;
        call.inflight.done += moved;
        if moved == 0 {
            break;
        }
    }
    Ok(())
}

/// write(2) and its kin.
pub fn write(
    call: &mut Call,
    remote: &Remote,
    mut buffers: UserBuffers,
    position: Option<u64>,
) -> SysResult {
    let total = buffers.remaining() as u64;
    buffers.skip(call.inflight.done);
    loop {
        let done = call.inflight.done;
        let Some(len) = next_part(done, &buffers)? else {
            return Ok(done);
        };
        let request = Request::Write {
            len: len as u32,
            total,
            position: position.map(|position| position + done as u64),
        };
        let question = about(remote, request);
        let asked = exchange(call.thread, remote.home, &question, len, |payload| {
            copy_in(&mut buffers, payload, len)
        });
        let Some((reply, _)) = unless_begun(done, asked)? else {
            return Ok(done);
        };
        let n = count(&reply)?;
        consume(call.thread);
        call.inflight.done += n;
        buffers.skip(n);
        if n < len || len == 0 {
            return Ok(call.inflight.done);
        }
    }
}

/// A file of the boot archive that is at home here, and whose bytes or names have changed since it was opened.
pub fn changed(id: NodeId) -> Remote {
    let description = Description {
        kind: 0,
        flags: Flags::RDONLY.bits(),
        archive: None,
        bound: false,
    };
    Remote::new(MAIN, archive(id.0), description)
}

/// read(2) and its kin, of such a file.
pub fn read_changed(
    call: &mut Call,
    file: &OpenFile,
    id: NodeId,
    buffers: UserBuffers,
    position: Option<u64>,
) -> SysResult {
    let at = position.unwrap_or(*file.offset.lock());
    let done = read(call, file, &changed(id), buffers, Some(at))?;
    if position.is_none() {
        *file.offset.lock() = at + done as u64;
    }
    Ok(done)
}

/// getdents64(2), of such a directory.
pub fn list_changed(call: &mut Call, file: &OpenFile, id: NodeId, out: UserSlice) -> SysResult {
    let at = *file.offset.lock();
    let (done, next) = list_from(call, &changed(id), out, Some(at))?;
    *file.offset.lock() = next;
    Ok(done)
}

/// Copies `len` bytes of the program to a payload.
fn copy_in(buffers: &mut UserBuffers, payload: &Frames, len: usize) -> Result<(), Stop> {
    let mut block = [0; BLOCK];
    let mut done = 0;
    while done < len {
        let wanted = BLOCK.min(len - done);
        let n = buffers.take(&mut block[..wanted])?;
        if n == 0 {
            return Err(Errno::EFAULT.into());
        }
        payload.write(PAYLOAD + done, &block[..n]);
        done += n;
    }
    Ok(())
}

/// getdents64(2).
pub fn list(call: &mut Call, remote: &Remote, out: UserSlice) -> SysResult {
    Ok(list_from(call, remote, out, None)?.0)
}

/// Lists from `position` on, or where the file is; answers how many bytes the entries are, and the position after them.
pub(super) fn list_from(
    call: &mut Call,
    remote: &Remote,
    out: UserSlice,
    position: Option<u64>,
) -> Result<(usize, u64), Stop> {
    let len = out.len().min(CHUNK);
    let request = Request::List {
        len: len as u32,
        position,
    };
    let question = about(remote, request);
    let (reply, asking) = exchange(call.thread, remote.home, &question, len, |_| Ok(()))?;
    let n = count(&reply)?.min(len);
    let mut block = [0; BLOCK];
    for at in (0..n).step_by(BLOCK) {
        let part = &mut block[..BLOCK.min(n - at)];
        asking.payload().read(PAYLOAD + at, part);
        out.skip(at).write(part)?;
    }
    Ok((
        n,
        position_after(asking.payload(), n)
            .or(position)
            .unwrap_or(0),
    ))
}

/// What the last of the entries in the first `n` bytes of a payload says of the position after it.
fn position_after(payload: &Frames, n: usize) -> Option<u64> {
    let (mut at, mut next) = (0, None);
    while at < n {
        let mut word = [0; 8];
        payload.read(PAYLOAD + at + 8, &mut word);
        next = Some(u64::from_le_bytes(word));
        let mut len = [0; 2];
        payload.read(PAYLOAD + at + 16, &mut len);
        at += usize::from(u16::from_le_bytes(len)).max(1);
    }
    next
}
