//! Snapshots of private memory, and content that several objects share, on the emulated machine.

use braid_tests::machine::{Machine, MemoryObject, Space, Storage};
use vm::addr::{Frame, PAGE_SIZE, Page, VirtAddr};
use vm::fault::Access;
use vm::frames::Owner;
use vm::space::{AddressSpace, Backing, Flags, MapRequest, Placement, Seen, SpaceError};
use vm::table::{Rights, TableMemory};

const AT: VirtAddr = VirtAddr(0x1000_0000);
const SIZE: u64 = PAGE_SIZE as u64;
const START: Page = Page(AT.0 / SIZE);
const RW: Rights = Rights::READ.union(Rights::WRITE);

fn with_space(test: impl FnOnce(&Machine<'_>, &mut Space)) {
    let mut storage = Storage::new(2048, 64);
    let machine = Machine::new(&mut storage, 2);
    let before = machine.available();
    let mut space = AddressSpace::new(&machine, Owner(7), VirtAddr(0x7fff_0000_0000)).unwrap();
    test(&machine, &mut space);
    machine.pay(0, space.destroy(&machine));
    assert_eq!(machine.available(), before);
}

fn map(machine: &Machine<'_>, space: &mut Space, pages: u64, backing: Backing<MemoryObject>) {
    let request = MapRequest {
        placement: Placement::Fixed(AT),
        length: pages * SIZE,
        rights: RW,
        maximum: Rights::all(),
        flags: Flags::empty(),
        backing,
    };
    let (_, debt) = space.map(machine, request).unwrap();
    machine.pay(0, debt);
}

fn write(machine: &Machine<'_>, space: &mut Space, page: u64, value: u64) -> Frame {
    let at = AT + page * SIZE;
    let frame = machine.access(0, 0, space, at, Access::Write).unwrap();
    machine.set_content(frame, value);
    frame
}

/// The private frames of the first pages, and how many pages are zeros and of an object.
fn take(machine: &Machine<'_>, space: &mut Space, pages: u64) -> (Vec<(u64, Frame)>, u64, u64) {
    assert_eq!(
        space.check_snapshot(machine, AT, pages * SIZE, START),
        Ok(None)
    );
    let (mut frames, mut zeros, mut others) = (Vec::new(), 0, 0);
    let debt = space.snapshot(machine, AT, pages * SIZE, |number, seen| {
        match seen {
            Seen::Frame(frame) => frames.push((number, frame)),
            Seen::Zero => zeros += 1,
            Seen::Object(..) => others += 1,
        }
        true
    });
    machine.pay(0, debt.unwrap());
    (frames, zeros, others)
}

fn let_go(machine: &Machine<'_>, frames: Vec<(u64, Frame)>) {
    for (_, frame) in frames {
        if machine.frames().release(frame) {
            machine.free(frame);
        }
    }
}

#[test]
fn a_snapshot_shares_frames_until_a_write() {
    with_space(|machine, space| {
        map(machine, space, 600, Backing::Zero);
        let own = write(machine, space, 3, 33);
        write(machine, space, 550, 55);
        machine
            .access(0, 0, space, AT + 4 * SIZE, Access::Read)
            .unwrap();
        let before = machine.available();
        let (frames, zeros, others) = take(machine, space, 600);
        assert_eq!(machine.available(), before, "nothing is copied");
        assert_eq!((frames.len(), zeros, others), (2, 598, 0));
        assert_eq!(frames[0], (3, own));
        let copy = write(machine, space, 3, 34);
        assert_ne!(copy, own);
        assert_eq!(
            (machine.content(own), machine.content(frames[1].1)),
            (33, 55)
        );
        // Twice, of what was written since, and of what is shared already.
        let (again, ..) = take(machine, space, 600);
        assert_eq!(again, [(3, copy), (550, frames[1].1)]);
        let_go(machine, frames);
        let_go(machine, again);
        // The last sharer keeps its frame.
        assert_eq!(write(machine, space, 3, 35), copy);
    });
}

#[test]
fn a_snapshot_tells_of_objects_and_refuses_what_may_change() {
    with_space(|machine, space| {
        let object = MemoryObject::new(5);
        let backing = |shared| Backing::Object {
            object: object.clone(),
            offset: 2,
            shared,
        };
        map(machine, space, 4, backing(false));
        machine.access(0, 0, space, AT, Access::Read).unwrap();
        write(machine, space, 1, 9);
        let (frames, zeros, others) = take(machine, space, 4);
        assert_eq!((frames.len(), zeros, others), (1, 0, 3));
        let_go(machine, frames);
        let check = |space: &Space, length| space.check_snapshot(machine, AT, length, START);
        assert_eq!(check(space, 5 * SIZE), Err(SpaceError::NoMemory));
        assert_eq!(check(space, 0), Err(SpaceError::InvalidArgument));
        assert_eq!(check(space, SIZE + 1), Err(SpaceError::InvalidArgument));
        map(machine, space, 4, backing(true));
        assert_eq!(check(space, SIZE), Err(SpaceError::Denied));
        machine.pay(0, space.unmap(machine, AT, 4 * SIZE).unwrap());
        object.drop_cache(machine);
    });
}

#[test]
fn what_is_large_and_empty_is_not_looked_at_page_by_page() {
    with_space(|machine, space| {
        let pages = 1 << 33;
        map(machine, space, pages, Backing::Zero);
        write(machine, space, 3, 9);
        let check = space.check_snapshot(machine, AT, pages * SIZE, START);
        assert_eq!(check, Ok(None));
        machine.pay(0, space.unmap(machine, AT, pages * SIZE).unwrap());
    });
}
