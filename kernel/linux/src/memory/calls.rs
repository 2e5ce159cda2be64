//! The system calls about mappings: argument checks as Linux makes them, in its order; the work is `vm`'s.

use super::locking;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use mem::fault::Outcome;
use mem::object::ObjectRef;
use mem::space::{Space, VmSpace};
use mem::user::{UserSlice, write_now, write_value};
use tori::counters::Counters;
use vm::addr::{PAGE_SIZE, Page, PageRange, VirtAddr};
use vm::fault::Access;
use vm::flush::FlushDebt;
use vm::space::{Away, Flags, Mapping, Placement, Prot, RemapRequest, SpaceError};

pub use super::advice::madvise;
pub use super::mmap::{mmap, name};

const PAGE: u64 = PAGE_SIZE as u64;

/// The bytes of the whole pages of a range from `start` on; like Linux's, the length wraps around. `None`: the end does.
pub(super) fn whole_pages(start: u64, length: u64) -> Option<u64> {
    let length = length.wrapping_add(PAGE - 1) & !(PAGE - 1);
    start.checked_add(length).map(|_| length)
}

pub(super) fn space_of(call: &Call) -> Result<Arc<Space>, Errno> {
    call.thread
        .own()
        .space
        .with(|space| space.clone())
        .ok_or(Errno::ENOMEM)
}

/// A result with its debt, as [`Space::with`] takes it.
pub fn split<T, E>(result: Result<(T, FlushDebt), E>) -> (Result<T, E>, FlushDebt) {
    match result {
        Ok((value, debt)) => (Ok(value), debt),
        Err(error) => (Err(error), FlushDebt::none()),
    }
}

/// As [`split`], without a value.
pub fn split_unit<E>(result: Result<FlushDebt, E>) -> (Result<(), E>, FlushDebt) {
    split(result.map(|debt| ((), debt)))
}

/// Makes the pages of a range present (MAP_POPULATE, mlock(2)), by writes where they are allowed. As [`populate_with`].
pub(super) fn populate(call: &mut Call, at: VirtAddr, length: u64) -> Result<bool, Stop> {
    populate_with(call, at, length, |rights| {
        if rights.contains(Prot::WRITE) {
            Access::Write
        } else {
            Access::Read
        }
    })
}

/// Makes the pages of a range present by the access that `choose` says, in as many runs of the call as it takes; `done` counts them.
/// False: the next one cannot be.
pub(super) fn populate_with(
    call: &mut Call,
    at: VirtAddr,
    length: u64,
    choose: impl Fn(Prot) -> Access,
) -> Result<bool, Stop> {
    let space = space_of(call)?;
    let pages = length.div_ceil(PAGE) as usize;
    while call.inflight.done < pages {
        let page = at + call.inflight.done as u64 * PAGE;
        let rights = space.look(|space| space.find(page).map(|mapping| mapping.rights));
        match space.fault(
            page,
            choose(rights.unwrap_or_default()),
            &call.process.counters,
        ) {
            Outcome::Resolved | Outcome::Present => call.inflight.done += 1,
            Outcome::Wait => return Err(Stop::Memory),
            _ => return Ok(false),
        }
        if tori::pieces::pause() {
            return Err(Stop::Again);
        }
    }
    Ok(true)
}

/// munmap(2).
pub fn munmap(call: &mut Call) -> SysResult {
    let [address, length, ..] = call.args;
    let memory = tori::here().memory();
    let space = space_of(call)?;
    in_pieces(call, length, |done| {
        let (address, rest) = (VirtAddr(address.wrapping_add(done)), length - done);
        space.with(|space| split(space.unmap_piece(memory, address, rest)))
    })
}

/// Does what takes long in pieces: `act` gets how many bytes are done, and answers how many it has done more.
fn in_pieces(
    call: &mut Call,
    length: u64,
    mut act: impl FnMut(u64) -> Result<u64, SpaceError>,
) -> SysResult {
    loop {
        let done = call.inflight.word;
        call.inflight.word = done + act(done)?;
        if call.inflight.word >= length {
            return Ok(0);
        }
        if tori::pieces::pause() {
            return Err(Stop::Again);
        }
    }
}

/// mprotect(2).
pub fn mprotect(call: &mut Call) -> SysResult {
    const GROWSDOWN: u64 = 0x0100_0000;
    const GROWSUP: u64 = 0x0200_0000;
    // PROT_SEM is nothing.
    const KNOWN: u64 = 0xf;
    let [mut address, length, prot, ..] = call.args;
    let (grows, prot) = (prot & (GROWSDOWN | GROWSUP), prot & !(GROWSDOWN | GROWSUP));
    if grows == GROWSDOWN | GROWSUP || !address.is_multiple_of(PAGE) {
        return Err(Errno::EINVAL.into());
    }
    if length == 0 {
        return Ok(0);
    }
    let length = whole_pages(address, length).filter(|length| *length > 0);
    let mut length = length.ok_or(Errno::ENOMEM)?;
    if prot & !KNOWN != 0 {
        return Err(Errno::EINVAL.into());
    }
    let space = space_of(call)?;
    if grows != 0 {
        // The range begins where the stack that is at its start begins; nothing grows upwards.
        let range = PageRange::at(Page::containing(VirtAddr(address)), length / PAGE);
        let memory = tori::here().memory();
        let first = space.look(|space| {
            let first = space.mappings_in(memory, range).next()?;
            Some((first.range.start.start(), first.flags))
        });
        let (start, flags) = first.ok_or(Errno::ENOMEM)?;
        if grows == GROWSUP && start.0 > address {
            return Err(Errno::ENOMEM.into());
        }
        if grows == GROWSUP || !flags.contains(Flags::GROWS_DOWN) {
            return Err(Errno::EINVAL.into());
        }
        length = address + length - start.0;
        address = start.0;
    }
    let rights = Prot::from_bits_truncate(prot as u8 & 7);
    let limits = call.process.limits.lock().of_memory();
    let memory = tori::here().memory();
    in_pieces(call, length, |done| {
        space.with(|space| {
            space.limits = limits;
            space.protect_piece(memory, VirtAddr(address + done), length - done, rights)
        })
    })
}

/// mremap(2).
pub fn mremap(call: &mut Call) -> SysResult {
    const MAYMOVE: u64 = 1;
    const FIXED: u64 = 2;
    const DONTUNMAP: u64 = 4;
    let [address, old_length, new_length, flags, to, _] = call.args;
    if flags & !(MAYMOVE | FIXED | DONTUNMAP) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let request = RemapRequest {
        address: VirtAddr(address),
        old_length,
        new_length,
        may_move: flags & MAYMOVE != 0,
        to: if flags & FIXED == 0 {
            Placement::Hint(VirtAddr(to))
        } else {
            Placement::Fixed(VirtAddr(to))
        },
        keep_old: flags & DONTUNMAP != 0,
    };
    // Its new address, when what has been added to locked memory is being made present.
    if call.inflight.word == 0 {
        call.inflight.word = remap(call, request)?.0;
    }
    let at = VirtAddr(call.inflight.word);
    let old = old_length.next_multiple_of(PAGE).min(new_length);
    let locked = |mapping: &Mapping<ObjectRef>| mapping.flags.contains(Flags::LOCKED);
    if new_length > old && space_of(call)?.look(|space| space.find(at).is_some_and(locked)) {
        populate(call, at + old, new_length - old)?;
    }
    Ok(at.0 as usize)
}

fn remap(call: &Call, request: RemapRequest) -> Result<VirtAddr, Stop> {
    let space = space_of(call)?;
    let memory = tori::here().memory();
    let mut limits = call.process.limits.lock().of_memory();
    limits.locked = locking::limit(call.process);
    let remap = |space: &mut VmSpace| {
        space.limits = limits;
        space.remap(memory, request)
    };
    match space.with(remap) {
        Err(SpaceError::Away) => {
            let start = Page::containing(request.address);
            bring(&space, start, request.old_length, &call.process.counters)?;
            Ok(space.with(remap)?)
        }
        done => Ok(done?),
    }
}

/// Brings the pages of a range from other tori that can be read; the call waits for the first that is not here.
fn bring(space: &Space, start: Page, length: u64, asker: &Counters) -> Result<(), Stop> {
    let memory = tori::here().memory();
    let end = start + length.div_ceil(PAGE);
    let mut from = start;
    loop {
        match space.look(|space| space.next_away(memory, from)) {
            Some(Away::Folded(page, _)) if page < end => {
                space.look(|space| space.unfold(memory, page))?;
                from = page;
            }
            Some(Away::Page(page, _)) if page < end => {
                match space.fault(page.start(), Access::Read, asker) {
                    Outcome::Wait => return Err(Stop::Memory),
                    Outcome::NoMemory => return Err(Errno::ENOMEM.into()),
                    _ => from = page + 1,
                }
            }
            _ => return Ok(()),
        }
    }
}

/// msync(2): what is mapped shared is always the object itself.
pub fn msync(call: &mut Call) -> SysResult {
    const ASYNC: u32 = 1;
    const INVALIDATE: u32 = 2;
    const SYNC: u32 = 4;
    let [address, length, flags, ..] = call.args;
    let flags = flags as u32;
    let unknown = flags & !(ASYNC | INVALIDATE | SYNC) != 0;
    if unknown || flags & (ASYNC | SYNC) == ASYNC | SYNC || !address.is_multiple_of(PAGE) {
        return Err(Errno::EINVAL.into());
    }
    let length = whole_pages(address, length).ok_or(Errno::ENOMEM)?;
    if length == 0 {
        return Ok(0);
    }
    let (space, start) = (space_of(call)?, VirtAddr(address));
    if flags & INVALIDATE != 0
        && space.look(|space| space.locked_in(tori::here().memory(), start, length)) > 0
    {
        return Err(Errno::EBUSY.into());
    }
    if !space.look(|space| space.is_mapped(tori::here().memory(), start, length)) {
        return Err(Errno::ENOMEM.into());
    }
    Ok(0)
}

/// mincore(2).
pub fn mincore(call: &mut Call) -> SysResult {
    let [address, length, vector, ..] = call.args;
    if !address.is_multiple_of(PAGE) {
        return Err(Errno::EINVAL.into());
    }
    let pages = length.div_ceil(PAGE);
    UserSlice::new(address as usize, length as usize).map_err(|_| Errno::ENOMEM)?;
    let out = UserSlice::new(vector as usize, pages as usize)?;
    let space = space_of(call)?;
    let memory = tori::here().memory();
    let mut block = [0u8; 512];
    // Bytes that were told already are not told again: the vector may be longer than what can be written later.
    while (call.inflight.done as u64) < pages {
        let done = call.inflight.done as u64;
        let count = (pages - done).min(block.len() as u64);
        let first = Page::containing(VirtAddr(address)) + done;
        block.fill(0);
        let tell = |page: Page| {
            if let Some(byte) = block.get_mut((page - first) as usize) {
                *byte = 1;
            }
        };
        let stored = |object: &ObjectRef, index| object.0.next_stored(index);
        let range = PageRange::at(first, count);
        let mapped = space.look(|space| space.resident_pages(memory, range, stored, tell));
        write_now(&out.skip(done as usize), &block[..mapped as usize])?;
        if mapped < count {
            return Err(Errno::ENOMEM.into());
        }
        call.inflight.done += count as usize;
        if tori::pieces::pause() {
            return Err(Stop::Again);
        }
    }
    Ok(0)
}

/// brk(2): the new end of the heap, or the old one when it cannot be moved.
pub fn brk(call: &mut Call) -> SysResult {
    let to = VirtAddr(call.args[0]);
    let limits = call.process.limits.lock().of_memory();
    let memory = tori::here().memory();
    let space = space_of(call)?;
    let (old, future) = space.look(|space| (space.heap().1, space.future));
    let more = to.0.saturating_sub(old.0);
    if more > 0 && !locking::admits(call.process, &space, future, more) {
        return Ok(old.0 as usize);
    }
    let end = space.with(|space| {
        space.limits = limits;
        space.set_break(memory, to)
    });
    Ok(end.0 as usize)
}

/// get_mempolicy(2): one node.
pub fn get_mempolicy(call: &mut Call) -> SysResult {
    if call.args[0] != 0 {
        write_value(call.size(0), 0i32)?;
    }
    Ok(0)
}
