//! Copies of files of other tori: what is executed or mapped privately shows the bytes that the file had at that moment.

use super::super::open::OpenFile;
use super::asking::exchange;
use super::bytes::{CHUNK, about, count};
use super::copies::Copying;
use super::journal;
use super::journal::consume;
use super::question::Asking;
use super::reference::Remote;
use crate::process::Current;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use braid_files::remote::ask::Request;
use ipc::parcel::PAYLOAD;
use vm::addr::PAGE_SIZE;

/// A file of this torus with the bytes of a remote one. Blocks until all have come; the call then gets the same copy again.
pub fn fetch(thread: &Current, remote: &Remote) -> Result<Arc<OpenFile>, Stop> {
    journal::begin(thread)?;
    loop {
        let copy = journal::with(thread, |journal| journal.copies.current().cloned())?;
        if copy.complete {
            journal::with(thread, |journal| journal.copies.next += 1);
            return Ok(copy.file);
        }
        let request = Request::Read {
            len: CHUNK as u32,
            position: Some(copy.len),
        };
        let question = about(remote, request);
        let (reply, asking) = exchange(thread, remote.home, &question, CHUNK, |_| Ok(()))?;
        let n = count(&reply)?.min(CHUNK);
        append(&copy, &asking, n)?;
        consume(thread);
        journal::with(thread, |journal| {
            let copy = journal.copies.current()?;
            copy.len += n as u64;
            copy.complete = n == 0;
            Ok::<(), Errno>(())
        })?;
    }
}

/// Appends the first `n` bytes of a payload.
fn append(copy: &Copying, asking: &Asking, n: usize) -> Result<(), Errno> {
    let content = copy.file.content().ok_or(Errno::EIO)?;
    let mut block = [0; 1024];
    let mut done = 0;
    while done < n {
        let at = copy.len + done as u64;
        let wanted = block
            .len()
            .min(n - done)
            .min(PAGE_SIZE - at as usize % PAGE_SIZE);
        asking.payload().read(PAYLOAD + done, &mut block[..wanted]);
        content
            .write(at, &block[..wanted])
            .map_err(|_| Errno::ENOMEM)?;
        done += wanted;
    }
    Ok(())
}
