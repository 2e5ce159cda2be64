//! Pages of a space: locked, told of, lost, audited; and how long walks over many take.

use super::*;

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
        let lost = Lost::Of(Owner(9), 5);
        machine.pay(0, space.withhold(machine, &lost));
        assert_eq!(space.resident(), 16, "each entry keeps its frame");
        let debt = space.cut(machine, &lost);
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
