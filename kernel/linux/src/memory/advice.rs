//! madvise(2): each advice with Linux's answer.

use super::calls::{populate_with, space_of, split_unit, whole_pages};
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use mem::fault::Outcome;
use mem::object::ObjectRef;
use mem::space::Space;
use vm::addr::{PAGE_SIZE, Page, PageRange, USER_END, VirtAddr};
use vm::fault::Access;
use vm::space::{Advice, Flags, MAX_MAPPINGS, Prot, SpaceError};

const PAGE: u64 = PAGE_SIZE as u64;
/// One frame of so many is not used for what is read ahead.
const SPARE: u64 = 16;

/// What an advice comes to here.
enum Meaning {
    /// `vm` changes something.
    Change(Advice),
    /// Nothing is done.
    Note,
    /// Nothing is done, and nothing may be locked.
    NoteUnlocked,
    /// Pages are read ahead.
    WillNeed,
    /// Pages are made present, by this access.
    Populate(Access),
}

/// The meaning of a number; EINVAL for those that this kernel has no such thing for: hardware errors, merged pages, guards.
fn meaning(advice: u64) -> Result<Meaning, Errno> {
    Ok(match advice {
        // NORMAL, RANDOM, SEQUENTIAL; what is left out of core files.
        0..=2 | 16 | 17 => Meaning::Note,
        3 => Meaning::WillNeed,
        4 => Meaning::Change(Advice::DontNeed),
        24 => Meaning::Change(Advice::DontNeedLocked),
        8 => Meaning::Change(Advice::Free),
        10 => Meaning::Change(Advice::Set(Flags::DONT_FORK)),
        11 => Meaning::Change(Advice::Clear(Flags::DONT_FORK)),
        14 => Meaning::Change(Advice::Set(Flags::HUGE)),
        15 => Meaning::Change(Advice::Clear(Flags::HUGE)),
        18 => Meaning::Change(Advice::Set(Flags::WIPE_ON_FORK)),
        19 => Meaning::Change(Advice::Clear(Flags::WIPE_ON_FORK)),
        // COLD, PAGEOUT: what is unused goes by itself.
        20 | 21 => Meaning::NoteUnlocked,
        22 => Meaning::Populate(Access::Read),
        23 => Meaning::Populate(Access::Write),
        _ => return Err(Errno::EINVAL),
    })
}

/// madvise(2).
pub fn madvise(call: &mut Call) -> SysResult {
    let [address, length, advice, ..] = call.args;
    let meaning = meaning(u64::from(advice as u32))?;
    let pages = whole_pages(address, length).ok_or(Errno::EINVAL)?;
    if !address.is_multiple_of(PAGE) || (pages == 0 && length > 0) {
        return Err(Errno::EINVAL.into());
    }
    let (start, length) = (VirtAddr(address), pages);
    if length == 0 {
        return Ok(0);
    }
    let space = space_of(call)?;
    let memory = tori::here().memory();
    match meaning {
        Meaning::Change(advice) => {
            let changed =
                space.with(|space| split_unit(space.advise(memory, start, length, advice)));
            let is_full = || space.look(|space| space.mapping_count() >= MAX_MAPPINGS);
            if changed == Err(SpaceError::NoMemory) && is_full() {
                return Err(Errno::EAGAIN.into());
            }
            changed?;
        }
        Meaning::NoteUnlocked
            if space.look(|space| space.locked_in(tori::here().memory(), start, length)) > 0 =>
        {
            return Err(Errno::EINVAL.into());
        }
        Meaning::Note | Meaning::NoteUnlocked => {}
        Meaning::WillNeed => read_ahead(call, &space, start + length)?,
        Meaning::Populate(access) => return present(call, &space, start, length, access),
    }
    if !space.look(|space| space.is_mapped(tori::here().memory(), start, length)) {
        return Err(Errno::ENOMEM.into());
    }
    Ok(0)
}

/// MADV_POPULATE_READ and MADV_POPULATE_WRITE: up to the first page that cannot be made present. EINVAL when the mapping does not
/// allow the access, ENOMEM where there is none, EFAULT for what lies beyond the end of a file.
fn present(
    call: &mut Call,
    space: &Space,
    start: VirtAddr,
    length: u64,
    access: Access,
) -> SysResult {
    if populate_with(call, start, length, |_| access)? {
        return Ok(0);
    }
    let page = start + call.inflight.done as u64 * PAGE;
    let rights = space.look(|space| space.find(page).map(|mapping| mapping.rights));
    let needed = match access {
        Access::Write => Prot::WRITE,
        _ => Prot::READ,
    };
    Err(match rights {
        None => Errno::ENOMEM,
        Some(rights) if !rights.contains(needed) => Errno::EINVAL,
        Some(_) => Errno::EFAULT,
    }
    .into())
}

/// Has pages come that are on the swap disk, and enters those of objects, from the address that the call names on; nobody waits for
/// them. Ends where memory would become short. `inflight.word` is the page to go on with.
fn read_ahead(call: &mut Call, space: &Space, end: VirtAddr) -> Result<(), Stop> {
    let torus = tori::here();
    let end = Page::containing(end.min(USER_END));
    let stored = |object: &ObjectRef, index| object.0.next_stored(index);
    loop {
        let from = Page(call.inflight.word).max(Page::containing(VirtAddr(call.args[0])));
        if from >= end || torus.available() < torus.total() / SPARE {
            break;
        }
        let rest = PageRange::new(from, end);
        let next = space.look(|space| space.next_absent(torus.memory(), rest, stored));
        let Some(page) = next else { break };
        call.inflight.word = page.0 + 1;
        if space.fault(page.start(), Access::Read, &call.process.counters) == Outcome::NoMemory {
            break;
        }
        if tori::pieces::pause() {
            return Err(Stop::Again);
        }
    }
    Ok(())
}
