//! mmap(2): arguments are judged in Linux's order, the work is `vm`'s.

use super::calls::{populate, space_of, split};
use super::locking;
use crate::file::OpenFile;
use crate::file::context::HasFiles as _;
use crate::file::syscalls::mappable;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use fallible::NoMemory;
use mem::object::{MemoryObject, ObjectRef};
use vm::addr::{PAGE_SIZE, USER_END, VirtAddr};
use vm::space::{Backing, Flags, MapRequest, Placement, Prot, SpaceError};

const PAGE: u64 = PAGE_SIZE as u64;

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
        const NONBLOCK = 0x1_0000;
        const HUGETLB = 0x4_0000;
        const FIXED_NOREPLACE = 0x10_0000;
        const _ = !0;
    }
}

/// The kinds of mappings (`MAP_TYPE`).
const KIND: u32 = 0xf;
const KIND_SHARED: u32 = 1;
const KIND_PRIVATE: u32 = 2;
/// As shared, but flags of no meaning are refused (MAP_SHARED_VALIDATE).
const KIND_VALIDATED: u32 = 3;
/// Private, and forks get it empty (MAP_DROPPABLE).
const KIND_DROPPABLE: u32 = 8;
/// What MAP_SHARED_VALIDATE knows (LEGACY_MAP_MASK of Linux): mmap's oldest flags, and the sizes of huge pages.
const VALIDATED: u32 = 0x7_f9f3 | 30 << 26 | 21 << 26;

/// mmap(2).
pub fn mmap(call: &mut Call) -> SysResult {
    let flags = MapFlags::from_bits_retain(call.args[3] as u32);
    // Its address, when the pages are being made present already; before that none, or what is hashed of an object.
    let mut at = VirtAddr(call.inflight.word);
    let locks = if at.0 == 0 || !at.0.is_multiple_of(PAGE) {
        let (made, locks) = map(call, flags)?;
        call.inflight.word = made.0;
        at = made;
        locks
    } else {
        let future = space_of(call)?.look(|space| space.future);
        flags.contains(MapFlags::LOCKED) || future.contains(Flags::LOCKED)
    };
    let populates = flags.contains(MapFlags::POPULATE) && !flags.contains(MapFlags::NONBLOCK);
    if populates || locks {
        let length = call.args[1];
        populate(call, at, length)?;
    }
    Ok(at.0 as usize)
}

/// Makes the mapping; answers where, and whether its pages are locked.
fn map(call: &mut Call, flags: MapFlags) -> Result<(VirtAddr, bool), Stop> {
    let [address, length, prot, _, _, offset] = call.args;
    if !offset.is_multiple_of(PAGE) {
        return Err(Errno::EINVAL.into());
    }
    let file = if flags.contains(MapFlags::ANONYMOUS) {
        None
    } else {
        Some(call.process.files().get_for_use(call.int(4))?)
    };
    if flags.contains(MapFlags::HUGETLB) {
        no_huge_pages(flags, file.is_some() || length == 0)?;
    }
    if length == 0 {
        return Err(Errno::EINVAL.into());
    }
    let length = length.wrapping_add(PAGE - 1) & !(PAGE - 1);
    if length == 0 || length >= USER_END.0 {
        return Err(Errno::ENOMEM.into());
    }
    let space = space_of(call)?;
    let placement = placement(flags, VirtAddr(address));
    let future = space.look(|space| {
        space.check_placement(placement, length)?;
        Ok::<_, SpaceError>(space.future)
    })?;
    let mut traits = Flags::empty();
    traits.set(Flags::GROWS_DOWN, flags.contains(MapFlags::GROWSDOWN));
    traits.set(Flags::LOCKED, flags.contains(MapFlags::LOCKED));
    if traits.contains(Flags::LOCKED) {
        locking::permitted(call.process)?;
    }
    let locks = (traits | future).contains(Flags::LOCKED);
    if locks && !locking::admits(call.process, &space, traits, length) {
        return Err(Errno::EAGAIN.into());
    }
    // mmap passes over rights that it does not know.
    let rights = Prot::from_bits_truncate(prot as u8 & 7);
    let (backing, maximum) = match &file {
        None => anonymous(length, flags, &mut traits)?,
        Some(file) => of_file(call, file, length, flags, rights)?,
    };
    let may_write =
        matches!(backing, Backing::Object { shared: true, .. }) && maximum.contains(Prot::WRITE);
    let written = file.as_deref().filter(|_| may_write);
    let request = MapRequest {
        placement,
        length,
        rights,
        maximum,
        flags: traits,
        backing,
    };
    let limits = call.process.limits.lock().of_memory();
    let _unsealed = written.map(OpenFile::unsealed).transpose()?;
    let at = space.with(|space| {
        space.limits = limits;
        split(space.map(tori::here().memory(), request))
    })?;
    Ok((at, locks))
}

fn placement(flags: MapFlags, address: VirtAddr) -> Placement {
    if flags.contains(MapFlags::FIXED_NOREPLACE) {
        Placement::Vacant(address)
    } else if flags.contains(MapFlags::FIXED) {
        Placement::Fixed(address)
    } else {
        Placement::Hint(VirtAddr(address.0 & !(PAGE - 1)))
    }
}

/// MAP_HUGETLB: no pages are set aside for it. What is no file of such pages, or of a size that there is not, is EINVAL.
fn no_huge_pages(flags: MapFlags, unfit: bool) -> Result<(), Errno> {
    let size = flags.bits() >> 26;
    if unfit || !matches!(size, 0 | 21 | 30) {
        Err(Errno::EINVAL)
    } else {
        Err(Errno::ENOMEM)
    }
}

fn anonymous(
    length: u64,
    flags: MapFlags,
    traits: &mut Flags,
) -> Result<(Backing<ObjectRef>, Prot), Errno> {
    let grows = flags.contains(MapFlags::GROWSDOWN);
    match flags.bits() & KIND {
        KIND_PRIVATE => Ok((Backing::Zero, Prot::all())),
        KIND_DROPPABLE if !grows && !flags.contains(MapFlags::LOCKED) => {
            traits.insert(Flags::WIPE_ON_FORK);
            Ok((Backing::Zero, Prot::all()))
        }
        KIND_SHARED if !grows => {
            let object = MemoryObject::zero(length)?;
            let backing = Backing::Object {
                object,
                offset: 0,
                shared: true,
            };
            Ok((backing, Prot::all()))
        }
        _ => Err(Errno::EINVAL),
    }
}

/// Memory without content, in place of a device that has none.
fn of_zeros(
    length: u64,
    shared: bool,
    writable: bool,
) -> Result<(Backing<ObjectRef>, Prot), Errno> {
    if !shared {
        return Ok((Backing::Zero, Prot::all()));
    }
    let backing = Backing::Object {
        object: MemoryObject::zero(length)?,
        offset: 0,
        shared,
    };
    let mut maximum = Prot::all();
    maximum.set(Prot::WRITE, writable);
    Ok((backing, maximum))
}

fn of_file(
    call: &mut Call,
    file: &Arc<OpenFile>,
    length: u64,
    flags: MapFlags,
    rights: Prot,
) -> Result<(Backing<ObjectRef>, Prot), Stop> {
    let offset = call.args[5];
    let kind = flags.bits() & KIND;
    let most = if file.is_regular() {
        i64::MAX as u64
    } else {
        u64::MAX
    };
    if offset.checked_add(length).is_none_or(|end| end > most) {
        return Err(Errno::EOVERFLOW.into());
    }
    let shared = matches!(kind, KIND_SHARED | KIND_VALIDATED);
    if kind == KIND_VALIDATED && flags.bits() & !VALIDATED != 0 {
        return Err(Errno::EOPNOTSUPP.into());
    }
    let opened = file.flags();
    let writes_through = shared && rights.contains(Prot::WRITE);
    if (shared || kind == KIND_PRIVATE) && (!opened.reads() || writes_through && !opened.writes()) {
        return Err(Errno::EACCES.into());
    }
    if !shared && kind != KIND_PRIVATE {
        return Err(Errno::EINVAL.into());
    }
    if rights.contains(Prot::EXECUTE) && file.is_never_code() {
        return Err(Errno::EPERM.into());
    }
    if file.is_zeros() {
        return Ok(of_zeros(length, shared, opened.writes())?);
    }
    crate::vmo::hash::before_mapping(call, file)?;
    let mappable = mappable(file, call.thread, shared)?;
    if flags.contains(MapFlags::GROWSDOWN) {
        return Err(Errno::EINVAL.into());
    }
    if !mappable.readable {
        return Err(Errno::EACCES.into());
    }
    if writes_through && mappable.sealed && mappable.writable {
        return Err(Errno::EPERM.into());
    }
    let mut maximum = Prot::all();
    maximum.set(Prot::EXECUTE, mappable.executable);
    if shared && (!mappable.writable || mappable.sealed) {
        maximum -= Prot::WRITE;
    }
    if !maximum.contains(rights) {
        return Err(Errno::EACCES.into());
    }
    name(&mappable.object, || file.shown_path());
    let backing = Backing::Object {
        object: mappable.object,
        offset: offset / PAGE,
        shared,
    };
    Ok((backing, maximum))
}

/// Gives an object the name that `/proc/PID/maps` shows, if it has none yet; without memory it stays nameless.
pub fn name(object: &ObjectRef, path: impl FnOnce() -> Result<Option<Vec<u8>>, NoMemory>) {
    if object.0.name().is_none()
        && let Ok(Some(path)) = path()
        && let Ok(path) = fallible::arc_slice(&path)
    {
        object.0.set_name(path);
    }
}
