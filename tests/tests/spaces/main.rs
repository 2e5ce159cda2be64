//! Address spaces by Linux's rules: limits, the heap, stacks, advice, errors.

use braid_tests::machine::{Fault, Machine, MemoryObject, Space, Storage};
use vm::addr::{Frame, PAGE_SIZE, Page, PageRange, USER_END, VirtAddr};
use vm::fault::{Access, Refusal};
use vm::flush::FlushDebt;
use vm::frames::Owner;
use vm::space::{
    AddressSpace, Advice, Backing, Flags, MapRequest, Placement, RemapRequest, Replacement,
    SpaceError, Stray,
};
use vm::table::Rights;

const CEILING: VirtAddr = VirtAddr(0x7fff_0000_0000);
const RW: Rights = Rights::READ.union(Rights::WRITE);
const MIB: u64 = 1 << 20;
const KIB4: u64 = PAGE_SIZE as u64;

/// Runs `test` with a fresh space, ends the space, and counts frames.
fn with_space(test: impl FnOnce(&Machine<'_>, &mut Space)) {
    let mut storage = Storage::new(2048, 64);
    let machine = Machine::new(&mut storage, 2);
    let before = machine.available();
    let mut space = AddressSpace::new(&machine, Owner(7), CEILING).unwrap();
    test(&machine, &mut space);
    machine.pay(0, space.destroy(&machine));
    assert_eq!(machine.available(), before);
}

fn request(placement: Placement, length: u64) -> MapRequest<MemoryObject> {
    let (flags, backing) = (Flags::empty(), Backing::Zero);
    MapRequest {
        placement,
        length,
        rights: RW,
        maximum: Rights::all(),
        flags,
        backing,
    }
}

fn settle<T>(machine: &Machine<'_>, (value, debt): (T, FlushDebt)) -> T {
    machine.pay(0, debt);
    value
}

fn map(
    machine: &Machine<'_>,
    space: &mut Space,
    placement: Placement,
    length: u64,
) -> Result<VirtAddr, SpaceError> {
    space
        .map(machine, request(placement, length))
        .map(|mapped| settle(machine, mapped))
}

fn protect(
    machine: &Machine<'_>,
    space: &mut Space,
    at: VirtAddr,
    length: u64,
    rights: Rights,
) -> Result<(), SpaceError> {
    settle(machine, space.protect(machine, at, length, rights))
}

fn write(machine: &Machine<'_>, space: &mut Space, at: VirtAddr) -> Result<Frame, Fault> {
    machine.access(0, 0, space, at, Access::Write)
}

#[test]
fn mmap_refuses_what_linux_refuses() {
    with_space(|machine, space| {
        let at = VirtAddr(0x1000_0000);
        let mut map = |placement, length| map(machine, space, placement, length);
        assert_eq!(
            map(Placement::Hint(at), 0),
            Err(SpaceError::InvalidArgument)
        );
        assert_eq!(
            map(Placement::Hint(at), u64::MAX - 5),
            Err(SpaceError::NoMemory)
        );
        assert_eq!(
            map(Placement::Hint(at), USER_END.0),
            Err(SpaceError::NoMemory)
        );
        assert_eq!(
            map(Placement::Fixed(at + 1), KIB4),
            Err(SpaceError::InvalidArgument)
        );
        assert_eq!(
            map(Placement::Fixed(USER_END), KIB4),
            Err(SpaceError::NoMemory)
        );
        assert_eq!(
            map(Placement::Fixed(VirtAddr(0x1000)), 1),
            Err(SpaceError::NotPermitted)
        );
        assert_eq!(map(Placement::Vacant(at), 2 * KIB4), Ok(at));
        assert_eq!(
            map(Placement::Vacant(at + KIB4), KIB4),
            Err(SpaceError::Exists)
        );
        assert_eq!(
            map(Placement::Hint(at + 5 * KIB4 - 3), 1),
            Ok(at + 5 * KIB4)
        );
        // A low or taken hint is only a hint.
        assert_eq!(map(Placement::Hint(VirtAddr(1)), 1), Ok(VirtAddr(0x10000)));
        assert_eq!(map(Placement::Hint(at), KIB4), Ok(CEILING - KIB4));
        assert_eq!(map(Placement::Hint(VirtAddr(0)), 1), Ok(CEILING - 2 * KIB4));
    });
}

#[test]
fn room_is_used_again_from_the_top() {
    with_space(|machine, space| {
        let none = Placement::Hint(VirtAddr(0));
        let starts: Vec<VirtAddr> = (0..6)
            .map(|_| map(machine, space, none, MIB).unwrap())
            .collect();
        for (n, start) in starts.iter().enumerate() {
            assert_eq!(*start, CEILING - (n as u64 + 1) * MIB);
        }
        assert_eq!(space.mapping_count(), 1, "equal neighbours are one mapping");
        for at in [starts[1], starts[4]] {
            machine.pay(0, space.unmap(machine, at, MIB).unwrap());
        }
        assert_eq!(space.mapping_count(), 3);
        assert_eq!(
            map(machine, space, none, MIB + 1),
            Ok(starts[5] - MIB - KIB4)
        );
        assert_eq!(map(machine, space, none, MIB), Ok(starts[1]));
        assert_eq!(map(machine, space, none, MIB), Ok(starts[4]));
    });
}

#[test]
fn limits_bound_the_space() {
    with_space(|machine, space| {
        space.limits.address_space = 10 * KIB4;
        let at = VirtAddr(0x1000_0000);
        assert_eq!(map(machine, space, Placement::Fixed(at), 8 * KIB4), Ok(at));
        let elsewhere = Placement::Fixed(at + MIB);
        assert_eq!(
            map(machine, space, elsewhere, 3 * KIB4),
            Err(SpaceError::NoMemory)
        );
        // Pages that are replaced do not count.
        assert_eq!(map(machine, space, Placement::Fixed(at), 10 * KIB4), Ok(at));
        assert_eq!(space.mapped(), 10);
    });
}

#[test]
fn the_heap_follows_the_break() {
    with_space(|machine, space| {
        let start = VirtAddr(0x60_0123);
        space.set_heap_start(start);
        space.limits.data = 8 * MIB;
        let set = |space: &mut Space, to: VirtAddr| {
            let moved = space.set_break(machine, to);
            settle(machine, moved)
        };
        assert_eq!(set(space, VirtAddr(0)), start);
        assert_eq!(set(space, start + 3 * MIB), start + 3 * MIB);
        assert!(write(machine, space, start + 2 * MIB).is_ok());
        assert_eq!(
            set(space, start + 9 * MIB),
            start + 3 * MIB,
            "over the limit"
        );
        assert_eq!(set(space, start + MIB), start + MIB);
        assert_eq!(space.resident(), 0);
        assert_eq!(
            write(machine, space, start + 2 * MIB),
            Err(Fault::Refused(Refusal::NotMapped))
        );
        // Something in the way.
        assert!(map(machine, space, Placement::Fixed(VirtAddr(0x80_0000)), KIB4).is_ok());
        assert_eq!(set(space, start + 4 * MIB), start + MIB);
        assert_eq!(set(space, start), start);
    });
}

#[test]
fn a_stack_grows_to_its_limit_and_keeps_its_guard() {
    with_space(|machine, space| {
        let top = VirtAddr(0x7ffe_0000_0000);
        let mut stack = request(Placement::Fixed(top - 4 * KIB4), 4 * KIB4);
        stack.flags = Flags::GROWS_DOWN;
        let mapped = space.map(machine, stack).unwrap();
        settle(machine, mapped);
        assert!(write(machine, space, top - MIB).is_ok());
        assert_eq!(space.mapped(), MIB / KIB4);
        assert!(write(machine, space, top - 8 * MIB).is_ok());
        let refused = |why| Err(Fault::Refused(why));
        assert_eq!(
            write(machine, space, top - 8 * MIB - 1),
            refused(Refusal::StackLimit)
        );
        space.limits.stack = 64 * MIB;
        assert!(write(machine, space, top - 8 * MIB - 1).is_ok());
        // Another mapping keeps 1 MiB of distance, and one that allows nothing does not.
        let below = top - 16 * MIB;
        assert!(map(machine, space, Placement::Fixed(below), MIB).is_ok());
        assert!(write(machine, space, below + 2 * MIB).is_ok());
        assert_eq!(
            write(machine, space, below + 2 * MIB - 1),
            refused(Refusal::StackGuard)
        );
        let closed = protect(machine, space, below, MIB, Rights::empty());
        assert_eq!(closed, Ok(()));
        assert!(write(machine, space, below + MIB).is_ok());
        assert_eq!(
            write(machine, space, below + MIB - 1),
            refused(Refusal::Forbidden(Rights::empty()))
        );
    });
}

#[test]
fn placed_mappings_keep_away_from_a_stack() {
    with_space(|machine, space| {
        let mut stack = request(Placement::Fixed(CEILING - MIB), MIB);
        stack.flags = Flags::GROWS_DOWN;
        let mapped = space.map(machine, stack).unwrap();
        settle(machine, mapped);
        let placed = map(machine, space, Placement::Hint(VirtAddr(0)), KIB4);
        assert_eq!(placed, Ok(CEILING - 2 * MIB - KIB4));
    });
}

#[test]
fn objects_opened_for_reading_are_not_written_through_mprotect() {
    with_space(|machine, space| {
        let at = VirtAddr(0x1000_0000);
        let mut file = request(Placement::Fixed(at), 2 * KIB4);
        let object = MemoryObject::new(1);
        file.backing = Backing::Object {
            object: object.clone(),
            offset: 0,
            shared: true,
        };
        file.rights = Rights::READ;
        file.maximum = Rights::READ | Rights::EXECUTE;
        let mapped = space.map(machine, file).unwrap();
        settle(machine, mapped);
        let denied = protect(machine, space, at, KIB4, RW);
        assert_eq!(denied, Err(SpaceError::Denied));
        let unaligned = protect(machine, space, at + 1, KIB4, Rights::READ);
        assert_eq!(unaligned, Err(SpaceError::InvalidArgument));
        let hole = protect(machine, space, at, 3 * KIB4, Rights::empty());
        assert_eq!(hole, Err(SpaceError::NoMemory));
        let changed = space.find(at + KIB4).unwrap();
        assert_eq!(changed.rights, Rights::empty(), "what lies before the hole");
        let free = space.advise(machine, at, KIB4, Advice::Free);
        assert_eq!(free.err(), Some(SpaceError::InvalidArgument));
    });
}

#[test]
fn mremap_refuses_what_linux_refuses() {
    with_space(|machine, space| {
        let at = VirtAddr(0x1000_0000);
        assert!(map(machine, space, Placement::Fixed(at), 4 * KIB4).is_ok());
        let mut remap = |address, old: u64, new: u64, may_move, fixed: Option<VirtAddr>| {
            let (old_length, new_length) = (old * KIB4, new * KIB4);
            let request = RemapRequest {
                address,
                old_length,
                new_length,
                may_move,
                to: fixed.map_or(Placement::Hint(VirtAddr(0)), Placement::Fixed),
                keep_old: false,
            };
            let (result, debt) = space.remap(machine, request);
            machine.pay(0, debt);
            result
        };
        let invalid = Err(SpaceError::InvalidArgument);
        assert_eq!(remap(at + 1, 1, 1, true, None), invalid);
        assert_eq!(remap(at, 1, 0, true, None), invalid);
        assert_eq!(remap(at, 1, 1, false, Some(at + MIB)), invalid);
        assert_eq!(remap(at, 2, 2, true, Some(at + KIB4)), invalid, "overlap");
        assert_eq!(
            remap(at, 0, 1, true, None),
            invalid,
            "private memory has no second mapping"
        );
        assert_eq!(
            remap(at + MIB, 1, 1, true, None),
            Err(SpaceError::BadAddress)
        );
        assert_eq!(remap(at, 5, 6, true, None), Err(SpaceError::BadAddress));
        assert_eq!(remap(at, 2, 3, false, None), Err(SpaceError::NoMemory));
        assert_eq!(remap(at, 4, 6, false, None), Ok(at));
        assert_eq!(remap(at, 6, 1, false, None), Ok(at));
        assert_eq!(space.mapped(), 1);
    });
}

#[test]
fn locked_pages_stay_and_are_not_inherited() {
    with_space(|machine, space| {
        let at = VirtAddr(0x1000_0000);
        assert!(map(machine, space, Placement::Fixed(at), 4 * KIB4).is_ok());
        let frames = [0, 1].map(|page| write(machine, space, at + page * KIB4).unwrap());
        let advise = |space: &mut Space, start, pages, advice| {
            let advised = space.advise(machine, start, pages * KIB4, advice);
            advised.map(|debt| machine.pay(0, debt))
        };
        let lock = Advice::Set(Flags::LOCKED);
        assert_eq!(advise(space, at, 1, lock), Ok(()));
        assert_eq!(space.locked_in(machine, at, 4 * KIB4), 1);
        assert_eq!(space.mapping_count(), 2);
        let ages = frames.map(|frame| space.age(machine, frame));
        assert_eq!(
            ages.map(|age| (age.entries, age.pinned)),
            [(1, true), (1, false)]
        );
        for frame in frames {
            machine.pay(0, space.evict(machine, frame, Replacement::Drop));
        }
        assert_eq!(space.resident(), 1, "the locked one is left");
        let refused = Err(SpaceError::InvalidArgument);
        assert_eq!(advise(space, at, 4, Advice::DontNeed), refused);
        let mut child = settle(machine, space.fork(machine)).unwrap();
        assert_eq!(child.locked_in(machine, at, 4 * KIB4), 0);
        assert_eq!(child.mapping_count(), 1);
        assert_eq!(advise(&mut child, at, 4, Advice::DontNeed), Ok(()));
        machine.pay(1, child.destroy(machine));
        assert_eq!(advise(space, at, 4, Advice::Clear(Flags::LOCKED)), Ok(()));
        assert_eq!(advise(space, at, 4, Advice::DontNeed), Ok(()));
        space.future = Flags::LOCKED;
        assert!(map(machine, space, Placement::Fixed(at + MIB), KIB4).is_ok());
        assert_eq!(space.locked_in(machine, VirtAddr(0), USER_END.0), 1);
    });
}

#[test]
fn mincore_tells_what_is_present() {
    with_space(|machine, space| {
        let at = VirtAddr(0x1000_0000);
        assert!(map(machine, space, Placement::Fixed(at), 1024 * KIB4).is_ok());
        for page in [0, 3, 511, 512, 1023] {
            assert!(write(machine, space, at + page * KIB4).is_ok());
        }
        let mut present = Vec::new();
        let tell = |page: Page| present.push(page - Page::containing(at));
        let range = |pages| PageRange::at(Page::containing(at), pages);
        let mapped = space.resident_pages(machine, range(1024), |_, _| None, tell);
        assert_eq!((mapped, present), (1024, vec![0, 3, 511, 512, 1023]));
        let beyond = space.resident_pages(machine, range(1025), |_, _| None, |_| {});
        assert_eq!(beyond, 1024, "up to the hole");
        assert!(
            space.is_mapped(machine, at, 1024 * KIB4) && !space.is_mapped(machine, at, 1025 * KIB4)
        );
    });
}

#[test]
fn long_operations_pause() {
    with_space(|machine, space| {
        let at = VirtAddr(0x4000_0000);
        let pages = 4 * 512 * KIB4;
        assert!(map(machine, space, Placement::Fixed(at), pages).is_ok());
        for table in 0..4 {
            assert!(write(machine, space, at + table * 512 * KIB4).is_ok());
        }
        let mut paused = |work: &mut dyn FnMut(&mut Space)| {
            let before = machine.pauses();
            work(space);
            machine.pauses() - before
        };
        let protected = paused(&mut |space| {
            assert_eq!(protect(machine, space, at, pages, Rights::READ), Ok(()));
        });
        let forked = paused(&mut |space| {
            let child = settle(machine, space.fork(machine)).unwrap();
            machine.pay(1, child.destroy(machine));
        });
        let unmapped = paused(&mut |space| {
            machine.pay(0, space.unmap(machine, at, pages).unwrap());
        });
        // After 64 entries at the latest, not counting the end.
        let least = 4 * 512 / 64 - 1;
        for paused in [protected, forked, unmapped] {
            assert!(paused >= least, "{paused} of {least}");
        }
    });
}

#[test]
fn thousands_of_mappings_take_no_quadratic_time() {
    with_space(|machine, space| {
        let at = VirtAddr(0x1000_0000);
        let pages = 40_000;
        assert!(map(machine, space, Placement::Fixed(at), pages * KIB4).is_ok());
        for page in (0..pages).step_by(2) {
            let cut = protect(machine, space, at + page * KIB4, KIB4, Rights::READ);
            assert_eq!(cut, Ok(()));
        }
        assert_eq!(space.mapping_count() as u64, pages);
        assert_eq!(protect(machine, space, at, pages * KIB4, RW), Ok(()));
        assert_eq!(space.mapping_count(), 1);
    });
}

#[test]
fn what_an_object_has_lost_goes_whatever_there_is() {
    with_space(|machine, space| {
        let object = MemoryObject::new(9);
        let (shared, private) = (VirtAddr(0x1000_0000), VirtAddr(0x2000_0000));
        for (at, is_shared) in [(shared, true), (private, false)] {
            let mapped = space.map(
                machine,
                MapRequest {
                    flags: Flags::LOCKED,
                    backing: Backing::Object {
                        object: object.clone(),
                        offset: 2,
                        shared: is_shared,
                    },
                    ..request(Placement::Fixed(at), 8 * KIB4)
                },
            );
            settle(machine, mapped.unwrap());
            for page in 0..8 {
                assert!(write(machine, space, at + page * KIB4).is_ok());
            }
        }
        let mut all = Vec::new();
        while let Some(frame) = machine.allocate(vm::frames::Use::Kernel) {
            all.push(frame);
        }
        let end = |of: &MemoryObject| (of.name() == 9).then_some(5);
        machine.pay(0, space.withhold(machine, end));
        assert_eq!(space.resident(), 16, "each entry keeps its frame");
        let debt = space.cut(machine, end);
        assert_eq!(debt.flush(), vm::flush::Flush::None, "cores have forgotten");
        machine.pay(0, debt);
        assert_eq!(space.resident(), 2 * 3);
        space.audit(machine, |_, _, _| false, |stray| panic!("{stray}"));
        all.into_iter().for_each(|frame| machine.free(frame));
        machine.pay(0, space.clear(machine));
        object.drop_cache(machine);
    });
}

#[test]
fn an_audit_finds_an_entry_whose_frame_is_somebody_elses() {
    with_space(|machine, space| {
        let at = VirtAddr(0x1000_0000);
        assert!(map(machine, space, Placement::Fixed(at), 2 * KIB4).is_ok());
        let frame = write(machine, space, at).expect("memory");
        assert!(write(machine, space, at + KIB4).is_ok());
        let strays = |space: &Space| {
            let mut strays = Vec::new();
            space.audit(machine, |_, _, _| false, |stray| strays.push(stray));
            strays
        };
        assert_eq!(strays(space), []);
        let frames = vm::table::TableMemory::frames(machine);
        let index = Page::containing(at).0;
        frames.assign(frame, vm::frames::Use::Private, Owner(8), index);
        assert!(matches!(strays(space)[..], [Stray::Frame { frame: found, .. }] if found == frame));
        frames.assign(frame, vm::frames::Use::Private, Owner(7), index);
        assert_eq!(strays(space), []);
    });
}
