//! Limits, the heap, and stacks.

use super::*;

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
