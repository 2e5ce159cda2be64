//! The system calls about mappings: argument checks as Linux makes them, the work is `vm`'s.

use super::fault::Outcome;
use super::locking;
use super::object::{MemoryObject, ObjectRef};
use super::space::{Space, VmSpace};
use super::user::{UserSlice, write_value};
use crate::arch::cpu;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use vm::addr::{PAGE_SIZE, Page, PageRange, USER_END, VirtAddr};
use vm::fault::Access;
use vm::flush::FlushDebt;
use vm::space::{
    Advice, Away, Backing, Flags, MapRequest, Placement, Prot, RemapRequest, SpaceError,
};

const PAGE: u64 = PAGE_SIZE as u64;
/// Pages that are made present before the call looks what else there is to do.
pub(super) const PIECE: usize = 16;
/// One frame of so many is not used for what is read ahead.
const SPARE: u64 = 16;

bitflags::bitflags! {
    /// Flags of mmap(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct MapFlags: u32 {
        const SHARED = 1;
        const PRIVATE = 2;
        const FIXED = 0x10;
        const ANONYMOUS = 0x20;
        const GROWSDOWN = 0x100;
        const LOCKED = 0x2000;
        const POPULATE = 0x8000;
        const FIXED_NOREPLACE = 0x10_0000;
        const _ = !0;
    }
}

/// What MAP_SHARED_VALIDATE knows (LEGACY_MAP_MASK of Linux): mmap's oldest flags, and the sizes of huge pages.
const VALIDATED: u32 = 0x7_f9f3 | 30 << 26 | 21 << 26;

/// The rights of PROT_* bits.
fn rights(prot: u64) -> Result<Prot, Errno> {
    // PROT_GROWSDOWN and PROT_GROWSUP are mprotect's, PROT_SEM is nothing.
    if prot & !0x0300_000f != 0 {
        return Err(Errno::EINVAL);
    }
    let mut rights = Prot::empty();
    rights.set(Prot::READ, prot & 1 != 0);
    rights.set(Prot::WRITE, prot & 2 != 0);
    rights.set(Prot::EXECUTE, prot & 4 != 0);
    Ok(rights)
}

/// The bytes of the whole pages of a range from `start` on; like Linux's, the length wraps around. `None`: the end does.
pub(super) fn whole_pages(start: u64, length: u64) -> Option<u64> {
    let length = length.wrapping_add(PAGE - 1) & !(PAGE - 1);
    start.checked_add(length).map(|_| length)
}

pub(super) fn space_of(call: &Call) -> Result<Arc<Space>, Errno> {
    call.thread
        .space
        .with(|space| space.clone())
        .ok_or(Errno::ENOMEM)
}

/// mmap(2).
pub fn mmap(call: &mut Call) -> SysResult {
    let flags = MapFlags::from_bits_retain(call.args[3] as u32);
    // Its address, when the pages are being made present already; before that none, or what is hashed of an object.
    let mut at = VirtAddr(call.inflight.word);
    if at.0 == 0 || !at.0.is_multiple_of(PAGE) {
        at = map(call, flags)?;
        call.inflight.word = at.0;
    }
    let future = space_of(call)?.look(|space| space.future);
    if flags.intersects(MapFlags::POPULATE | MapFlags::LOCKED) || future.contains(Flags::LOCKED) {
        let length = call.args[1];
        populate(call, at, length)?;
    }
    Ok(at.0 as usize)
}

fn map(call: &mut Call, flags: MapFlags) -> Result<VirtAddr, Stop> {
    let [address, length, prot, _, _, offset] = call.args;
    // Unlike mprotect, mmap passes over rights that it does not know.
    let rights = rights(prot & 7)?;
    if length == 0 || !offset.is_multiple_of(PAGE) {
        return Err(Errno::EINVAL.into());
    }
    let shared = match flags.bits() & 0xf {
        1 => true,
        2 => false,
        3 if !flags.contains(MapFlags::ANONYMOUS) => {
            // MAP_SHARED_VALIDATE: the one kind that does not pass over what it does not know.
            if flags.bits() & !VALIDATED != 0 {
                return Err(Errno::EOPNOTSUPP.into());
            }
            true
        }
        _ => return Err(Errno::EINVAL.into()),
    };
    if length > USER_END.0 {
        return Err(Errno::ENOMEM.into());
    }
    let length = length.next_multiple_of(PAGE);
    let (backing, maximum) = if flags.contains(MapFlags::ANONYMOUS) {
        (anonymous(length, shared)?, Prot::all())
    } else {
        file(call, length, rights, shared)?
    };
    let placement = if flags.contains(MapFlags::FIXED_NOREPLACE) {
        Placement::Vacant(VirtAddr(address))
    } else if flags.contains(MapFlags::FIXED) {
        Placement::Fixed(VirtAddr(address))
    } else {
        Placement::Hint(VirtAddr(address & !(PAGE - 1)))
    };
    let mut traits = Flags::empty();
    traits.set(Flags::GROWS_DOWN, flags.contains(MapFlags::GROWSDOWN));
    traits.set(Flags::LOCKED, flags.contains(MapFlags::LOCKED));
    let request = MapRequest {
        placement,
        length,
        rights,
        maximum,
        flags: traits,
        backing,
    };
    let space = space_of(call)?;
    if traits.contains(Flags::LOCKED) {
        locking::permitted(call.process)?;
    }
    if !locking::admits(call.process, &space, traits, length) {
        return Err(Errno::EAGAIN.into());
    }
    let limits = vm_limits(&call.process.limits.lock());
    let at = space.with(|space| {
        space.limits = limits;
        split(space.map(cpu::this().torus().memory(), request))
    })?;
    Ok(at)
}

fn anonymous(length: u64, shared: bool) -> Result<Backing<ObjectRef>, Errno> {
    if !shared {
        return Ok(Backing::Zero);
    }
    let object = MemoryObject::zero(length)?;
    Ok(Backing::Object {
        object,
        offset: 0,
        shared: true,
    })
}

fn file(
    call: &mut Call,
    length: u64,
    rights: Prot,
    shared: bool,
) -> Result<(Backing<ObjectRef>, Prot), Stop> {
    let offset = call.args[5];
    crate::vmo::hash::before_mapping(call, &*call.process.files.get(call.int(4))?)?;
    let mappable = call
        .process
        .files
        .mappable(call.thread, call.int(4), shared)?;
    if offset.saturating_add(length) > i64::MAX as u64 {
        return Err(Errno::EOVERFLOW.into());
    }
    if !mappable.readable {
        return Err(Errno::EACCES.into());
    }
    let mut maximum = Prot::all();
    maximum.set(Prot::EXECUTE, mappable.executable);
    if shared && (!mappable.writable || mappable.sealed) {
        maximum -= Prot::WRITE;
    }
    if shared && mappable.sealed && mappable.writable && rights.contains(Prot::WRITE) {
        return Err(Errno::EPERM.into());
    }
    if !maximum.contains(rights) {
        return Err(Errno::EACCES.into());
    }
    Ok((
        Backing::Object {
            object: mappable.object,
            offset: offset / PAGE,
            shared,
        },
        maximum,
    ))
}

/// The bounds of an address space by the process's limits.
pub fn vm_limits(limits: &crate::process::limits::Limits) -> vm::space::Limits {
    use crate::process::limits::{AS, DATA, STACK};
    vm::space::Limits {
        address_space: limits.current(AS),
        data: limits.current(DATA),
        stack: limits.current(STACK),
    }
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

/// Makes the pages of a range present (MAP_POPULATE, mlock(2)), in as many runs of the call as it takes; `done` counts them.
/// False: one of them cannot be.
pub(super) fn populate(call: &mut Call, at: VirtAddr, length: u64) -> Result<bool, Stop> {
    let space = space_of(call)?;
    let pages = length.div_ceil(PAGE) as usize;
    while call.inflight.done < pages {
        let page = at + call.inflight.done as u64 * PAGE;
        let rights = space.look(|space| space.find(page).map(|mapping| mapping.rights));
        let access = if rights.is_some_and(|rights| rights.contains(Prot::WRITE)) {
            Access::Write
        } else {
            Access::Read
        };
        match space.fault(page, access) {
            Outcome::Resolved => call.inflight.done += 1,
            Outcome::Wait => return Err(Stop::Memory),
            _ => return Ok(false),
        }
        if call.inflight.done.is_multiple_of(PIECE) && crate::sched::pause() {
            return Err(Stop::Again);
        }
    }
    Ok(true)
}

/// munmap(2).
pub fn munmap(call: &mut Call) -> SysResult {
    let [address, length, ..] = call.args;
    let memory = cpu::this().torus().memory();
    space_of(call)?.with(|space| split_unit(space.unmap(memory, VirtAddr(address), length)))?;
    Ok(0)
}

/// mprotect(2).
pub fn mprotect(call: &mut Call) -> SysResult {
    let [address, length, prot, ..] = call.args;
    let rights = rights(prot)?;
    let memory = cpu::this().torus().memory();
    let change = |space: &mut VmSpace| space.protect(memory, VirtAddr(address), length, rights);
    space_of(call)?.with(change)?;
    Ok(0)
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
        fixed: (flags & FIXED != 0).then_some(VirtAddr(to)),
        keep_old: flags & DONTUNMAP != 0,
    };
    let memory = cpu::this().torus().memory();
    let space = space_of(call)?;
    let traits = space.look(|space| space.find(request.address).map(|mapping| mapping.flags));
    let more = new_length.saturating_sub(old_length);
    if !locking::admits(call.process, &space, traits.unwrap_or_default(), more) {
        return Err(Errno::EAGAIN.into());
    }
    let remap = |space: &mut VmSpace| {
        let done = space.remap(memory, request);
        split(done.map(|done| (done.address, done.debt)))
    };
    let at = match space.with(remap) {
        Err(SpaceError::Away) => {
            bring(&space, Page::containing(request.address), old_length)?;
            space.with(remap)?
        }
        done => done?,
    };
    Ok(at.0 as usize)
}

/// Brings the pages of a range from other tori that can be read; the call waits for the first that is not here.
fn bring(space: &Space, start: Page, length: u64) -> Result<(), Stop> {
    let memory = cpu::this().torus().memory();
    let end = start + length.div_ceil(PAGE);
    let mut from = start;
    loop {
        match space.look(|space| space.next_away(memory, from)) {
            Some(Away::Folded(page, _)) if page < end => {
                space.look(|space| space.unfold(memory, page))?;
                from = page;
            }
            Some(Away::Page(page, _)) if page < end => {
                match space.fault(page.start(), Access::Read) {
                    Outcome::Wait => return Err(Stop::Memory),
                    Outcome::NoMemory => return Err(Errno::ENOMEM.into()),
                    _ => from = page + 1,
                }
            }
            _ => return Ok(()),
        }
    }
}

/// madvise(2).
pub fn madvise(call: &mut Call) -> SysResult {
    const WILLNEED: u64 = 3;
    let [address, length, advice, ..] = call.args;
    let known = match advice {
        14 => Some(Advice::Set(Flags::HUGE)),
        15 => Some(Advice::Clear(Flags::HUGE)),
        // NORMAL, RANDOM, SEQUENTIAL; merging, core files; COLD, PAGEOUT: taken note of.
        0..=2 | 12 | 13 | 16 | 17 | 20 | 21 => None,
        WILLNEED => None,
        4 => Some(Advice::DontNeed),
        8 => Some(Advice::Free),
        10 => Some(Advice::Set(Flags::DONT_FORK)),
        11 => Some(Advice::Clear(Flags::DONT_FORK)),
        18 => Some(Advice::Set(Flags::WIPE_ON_FORK)),
        19 => Some(Advice::Clear(Flags::WIPE_ON_FORK)),
        _ => return Err(Errno::EINVAL.into()),
    };
    let pages = whole_pages(address, length).ok_or(Errno::EINVAL)?;
    if !address.is_multiple_of(PAGE) || (pages == 0 && length > 0) {
        return Err(Errno::EINVAL.into());
    }
    let length = pages;
    let space = space_of(call)?;
    let memory = cpu::this().torus().memory();
    if let Some(advice) = known {
        space.with(|space| split_unit(space.advise(memory, VirtAddr(address), length, advice)))?;
    }
    if advice == WILLNEED {
        read_ahead(call, &space, VirtAddr(address) + length)?;
    }
    if length > 0 && !space.look(|space| space.is_mapped(VirtAddr(address), length)) {
        return Err(Errno::ENOMEM.into());
    }
    Ok(0)
}

/// Has pages come that are on the swap disk, and enters those of objects, from the address that the call names on; nobody waits for
/// them. Ends where memory would become short. `inflight.word` is the page to go on with.
fn read_ahead(call: &mut Call, space: &Space, end: VirtAddr) -> Result<(), Stop> {
    let torus = cpu::this().torus();
    let end = Page::containing(end.min(USER_END));
    let stored = |object: &ObjectRef, index| object.0.next_stored(index);
    for count in 1.. {
        let from = Page(call.inflight.word).max(Page::containing(VirtAddr(call.args[0])));
        if from >= end || torus.available() < torus.total() / SPARE {
            break;
        }
        let rest = PageRange::new(from, end);
        let next = space.look(|space| space.next_absent(torus.memory(), rest, stored));
        let Some(page) = next else { break };
        call.inflight.word = page.0 + 1;
        if space.fault(page.start(), Access::Read) == Outcome::NoMemory {
            break;
        }
        if count % PIECE == 0 && crate::sched::pause() {
            return Err(Stop::Again);
        }
    }
    Ok(())
}

/// msync(2): what is mapped shared is always the object itself.
pub fn msync(call: &mut Call) -> SysResult {
    let [address, length, flags, ..] = call.args;
    if flags & !7 != 0 || flags & 5 == 5 || !address.is_multiple_of(PAGE) {
        return Err(Errno::EINVAL.into());
    }
    let length = whole_pages(address, length).ok_or(Errno::ENOMEM)?;
    if length > 0 && !space_of(call)?.look(|space| space.is_mapped(VirtAddr(address), length)) {
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
    let memory = cpu::this().torus().memory();
    let mut block = [0u8; 512];
    let mut done = 0;
    while done < pages {
        let count = (pages - done).min(block.len() as u64);
        let first = Page::containing(VirtAddr(address)) + done;
        block.fill(0);
        let tell = |page: Page| {
            if let Some(byte) = block.get_mut((page - first) as usize) {
                *byte = 1;
            }
        };
        space.look(|space| space.resident_pages(memory, first.start(), count * PAGE, tell))?;
        out.skip(done as usize).write(&block[..count as usize])?;
        done += count;
    }
    Ok(0)
}

/// brk(2): the new end of the heap, or the old one when it cannot be moved.
pub fn brk(call: &mut Call) -> SysResult {
    let to = VirtAddr(call.args[0]);
    let limits = vm_limits(&call.process.limits.lock());
    let memory = cpu::this().torus().memory();
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
