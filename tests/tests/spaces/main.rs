//! Address spaces by Linux's rules: limits, the heap, stacks, advice, errors.

mod growth;
mod mappings;
mod pages;

use braid_tests::machine::{Fault, Machine, MemoryObject, Space, Storage};
use vm::addr::{Frame, PAGE_SIZE, Page, PageRange, USER_END, VirtAddr};
use vm::fault::{Access, Refusal};
use vm::flush::FlushDebt;
use vm::frames::Owner;
use vm::space::{
    AddressSpace, Advice, Backing, Flags, Lost, MapRequest, Placement, RemapRequest, Replacement,
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
