//! What mmap, mprotect and mremap place, allow and refuse.

use super::*;

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
