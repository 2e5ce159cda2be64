//! Snapshots: private memory as an object. Its frames become the object's, and stay the program's until it writes.

use super::calls::{close_on_exec, open};
use super::file::VmoFile;
use super::supply::{Frames, Page};
use super::{cost, store};
use crate::memory::fault;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use mem::content_frame::{self, Seen};
use mem::space::VmSpace;
use vm::addr::{PAGE_SIZE, Page as Number, VirtAddr};
use vm::flush::FlushDebt;
use vm::vmo::page::{Page as Rooted, PageMemory, PageSupply};

/// Bytes that a page takes in the list of pages.
const LISTED: u64 = 32;

/// Pages of an object to be, by number.
type Pages = Vec<(u64, Arc<Rooted<Page>>)>;

/// snapshot(address, bytes, flags): whole pages.
pub fn snapshot(call: &mut Call) -> SysResult {
    let [address, length, flags, ..] = call.args;
    let close = close_on_exec(flags)?;
    let space = call.thread.own().space();
    let space = space.ok_or(Errno::EFAULT)?;
    let memory = tori::here().memory();
    let mut from = Number(0);
    let (pages, held) = loop {
        let away =
            space.look(|space| space.check_snapshot(memory, VirtAddr(address), length, from));
        if let Some(page) = away? {
            fault::of_kernel(page.start().0 as usize, false, &mut 0)?;
            from = page;
            continue;
        }
        from = Number(0);
        let count = length / PAGE_SIZE as u64;
        // The list of pages has room for all of them at once.
        let held = cost::reserve(cost::ROPE + cost::tree(count, length) + LISTED * count)?;
        // None: something has changed since it was checked.
        if let Some(pages) = space.with(|space| take(space, VirtAddr(address), length))? {
            break (pages, held);
        }
    };
    let handle = store()?.from_pages(length, pages)?;
    let done = open(call, VmoFile::new(handle), close);
    drop(held);
    done
}

/// The pages of a range, if all are in memory.
fn take(
    space: &mut VmSpace,
    address: VirtAddr,
    length: u64,
) -> (Result<Option<Pages>, Stop>, FlushDebt) {
    let memory = tori::here().memory();
    match space.check_snapshot(memory, address, length, Number(0)) {
        Ok(None) => {}
        Ok(Some(_)) => return (Ok(None), FlushDebt::none()),
        Err(error) => return (Err(error.into()), FlushDebt::none()),
    }
    let count = (length / PAGE_SIZE as u64) as usize;
    let mut pages = fallible::with_capacity(count).map_err(Stop::from);
    #[expect(clippy::disallowed_methods, reason = "reserved by the caller")]
    let debt = content_frame::snapshot(space, address, length, |number, seen| {
        let Ok(list) = &mut pages else { return false };
        match page_of(seen) {
            Ok(Some(page)) => list.push((number, Arc::new(Rooted::new(page)))),
            Ok(None) => {}
            Err(stop) => pages = Err(stop),
        }
        pages.is_ok()
    });
    match debt {
        Ok(debt) => (pages.map(Some), debt),
        Err(error) => (Err(error.into()), FlushDebt::none()),
    }
}

/// What a page shows, as a page of an object; none for zeros.
fn page_of(seen: Seen) -> Result<Option<Page>, Stop> {
    Ok(match seen {
        Seen::Zero => None,
        Seen::Frame(frame) => Some(Page::of(frame)),
        Seen::Object(object, index) if object.0.is_content() => {
            object.0.content(index)?.map(Page::of)
        }
        Seen::Object(object, index) => {
            // The object may change later.
            let mut page = Frames.zeroed().map_err(|_| Errno::ENOMEM)?;
            let bytes = page.bytes_mut().ok_or(Errno::ENOMEM)?;
            object.0.copy(index, bytes)?;
            Some(page)
        }
    })
}
