//! mlock(2) and its kin: pages that are present, and stay. The clock passes over the mappings that are marked.

use super::calls::{populate, space_of, whole_pages};
use crate::process::Process;
use crate::process::limits::MEMLOCK;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use mem::fault::Outcome;
use mem::space::Space;
use vm::addr::{PAGE_SIZE, Page, PageRange, USER_END, VirtAddr};
use vm::fault::Access;
use vm::space::{Advice, Flags, Prot};

const PAGE: u64 = PAGE_SIZE as u64;
const EVERYTHING: (VirtAddr, u64) = (VirtAddr(0), USER_END.0);

/// Bytes that a process may lock: user 0 as many as it likes.
pub(super) fn limit(process: &Process) -> u64 {
    if process.credentials.lock().is_privileged() {
        u64::MAX
    } else {
        process.limits.lock().current(MEMLOCK)
    }
}

/// EPERM for a process that may not lock anything.
pub fn permitted(process: &Process) -> Result<(), Errno> {
    if limit(process) == 0 {
        return Err(Errno::EPERM);
    }
    Ok(())
}

/// Whether a new mapping of these traits, or a larger one, keeps within the limit.
pub fn admits(process: &Process, space: &Space, traits: Flags, more: u64) -> bool {
    space.look(|space| {
        let locks = (traits | space.future).contains(Flags::LOCKED);
        !locks || locked(space, EVERYTHING).saturating_add(more) <= limit(process)
    })
}

/// Bytes of a range that are locked.
fn locked(space: &mem::space::VmSpace, (start, length): (VirtAddr, u64)) -> u64 {
    space.locked_in(tori::here().memory(), start, length) * PAGE
}

/// mlock(2). ENOMEM over the limit, when part of the range is not mapped, or a page cannot be made present.
pub fn mlock(call: &mut Call) -> SysResult {
    lock(call, true)
}

/// mlock2(2): with MLOCK_ONFAULT pages are locked as they come.
pub fn mlock2(call: &mut Call) -> SysResult {
    const ONFAULT: u64 = 1;
    if call.args[2] & !ONFAULT != 0 {
        return Err(Errno::EINVAL.into());
    }
    lock(call, call.args[2] & ONFAULT == 0)
}

fn lock(call: &mut Call, now: bool) -> SysResult {
    permitted(call.process)?;
    let space = space_of(call)?;
    let range = range(call)?;
    let within = space.look(|space| {
        let all = locked(space, EVERYTHING) - locked(space, range);
        all.saturating_add(range.1) <= limit(call.process)
    });
    if !within {
        return Err(Errno::ENOMEM.into());
    }
    mark(&space, range, true)?;
    if now && !populate(call, range.0, range.1)? {
        return Err(Errno::ENOMEM.into());
    }
    Ok(0)
}

/// munlock(2).
pub fn munlock(call: &mut Call) -> SysResult {
    mark(&*space_of(call)?, range(call)?, false)?;
    Ok(0)
}

/// The whole pages of the range that a call is about.
fn range(call: &Call) -> Result<(VirtAddr, u64), Errno> {
    let [address, length, ..] = call.args;
    let start = VirtAddr(address & !(PAGE - 1));
    let length = length.wrapping_add(address - start.0);
    let length = whole_pages(start.0, length).ok_or(Errno::EINVAL)?;
    Ok((start, length))
}

/// Marks the mappings of a range up to the first hole, or takes the mark away. ENOMEM when there is one.
fn mark(space: &Space, (start, length): (VirtAddr, u64), on: bool) -> Result<(), Errno> {
    if length > 0 {
        let memory = tori::here().memory();
        space.look(|space| space.lock(memory, start, length, on))?;
    }
    Ok(())
}

/// mlockall(2): what is mapped, and what will be. Pages that cannot be made present are passed over.
pub fn mlockall(call: &mut Call) -> SysResult {
    const CURRENT: u64 = 1;
    const FUTURE: u64 = 2;
    const ONFAULT: u64 = 4;
    let flags = call.args[0];
    if flags & !(CURRENT | FUTURE | ONFAULT) != 0 || flags & (CURRENT | FUTURE) == 0 {
        return Err(Errno::EINVAL.into());
    }
    permitted(call.process)?;
    let space = space_of(call)?;
    if flags & CURRENT != 0 && space.look(|space| space.mapped() * PAGE) > limit(call.process) {
        return Err(Errno::ENOMEM.into());
    }
    space.look(|space| space.future.set(Flags::LOCKED, flags & FUTURE != 0));
    if flags & CURRENT != 0 {
        mark_all(&space, true)?;
        if flags & ONFAULT == 0 {
            populate_all(call, &space)?;
        }
    }
    Ok(0)
}

/// munlockall(2).
pub fn munlockall(call: &mut Call) -> SysResult {
    let space = space_of(call)?;
    space.look(|space| space.future.remove(Flags::LOCKED));
    mark_all(&space, false)?;
    Ok(0)
}

fn mark_all(space: &Space, on: bool) -> Result<(), Errno> {
    let advice = if on { Advice::Set } else { Advice::Clear };
    let advice = advice(Flags::LOCKED);
    let memory = tori::here().memory();
    let (start, length) = EVERYTHING;
    space.with(|space| super::calls::split_unit(space.advise(memory, start, length, advice)))?;
    Ok(())
}

/// Makes all pages present that can be; `inflight.word` is the page to go on with.
fn populate_all(call: &mut Call, space: &Space) -> Result<(), Stop> {
    loop {
        let from = Page(call.inflight.word);
        let next = space.look(|space| {
            let rest = PageRange::new(from, Page::containing(USER_END));
            let memory = tori::here().memory();
            let mapping = space.mappings_in(memory, rest).next()?;
            Some((mapping.range, mapping.rights))
        });
        let Some((range, rights)) = next else {
            return Ok(());
        };
        let page = range.start.max(from);
        let access = if rights.contains(Prot::WRITE) {
            Access::Write
        } else {
            Access::Read
        };
        call.inflight.word = match space.fault(page.start(), access, &call.process.counters) {
            Outcome::Wait => return Err(Stop::Memory),
            Outcome::Resolved | Outcome::Present => page.0 + 1,
            _ => range.end.0,
        };
        if tori::pieces::pause() {
            return Err(Stop::Again);
        }
    }
}
