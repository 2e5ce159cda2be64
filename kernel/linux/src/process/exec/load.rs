//! Mapping a program into a new address space.

use crate::file::Executable;
use crate::memory::calls::{name, split};
use crate::process::limits::Limits;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use braid_files::executable::elf::{PAGE, Part, Plan, Rights};
use machine::cpu;
use mem::object::ObjectRef;
use mem::space::Space;
use mem::user::UserSlice;
use vm::addr::VirtAddr;
use vm::layout::Layout;
use vm::space::{Backing, Flags, MapRequest, Placement, Prot};

/// Bytes of stack that are mapped at once, beyond the strings; the rest grows by fault (Linux: 128 KiB).
const STACK: u64 = 128 << 10;

/// Maps segments, heap and stack.
pub(super) fn map(
    space: &Space,
    program: &Plan,
    file: &Arc<Executable>,
    limits: &Limits,
    layout: &Layout,
    strings: u64,
) -> Result<(), Errno> {
    let object = file.object()?;
    name(&object, || file.shown_path().map(Some));
    space.look(|space| space.limits = limits.of_memory());
    for part in &program.parts {
        map_one(space, request(part, &object))?;
        cpu::let_interrupts_in();
    }
    let heap = VirtAddr(program.end.next_multiple_of(PAGE)) + layout.heap_gap;
    space.look(|space| space.set_heap_start(heap));
    let top = layout.stack_top.0;
    let size = (strings + STACK).next_multiple_of(PAGE);
    let mut rights = Prot::READ | Prot::WRITE;
    rights.set(Prot::EXECUTE, program.executable_stack);
    let stack = MapRequest {
        placement: Placement::Vacant(VirtAddr(top - size)),
        length: size,
        rights,
        maximum: Prot::all(),
        flags: Flags::GROWS_DOWN,
        backing: Backing::Zero,
    };
    map_one(space, stack)
}

fn map_one(space: &Space, request: MapRequest<ObjectRef>) -> Result<(), Errno> {
    let memory = tori::here().memory();
    space.with(|space| split(space.map(memory, request)))?;
    Ok(())
}

/// A part of the program, in place of what other parts have put there.
fn request(part: &Part, object: &ObjectRef) -> MapRequest<ObjectRef> {
    let mut rights = Prot::empty();
    for (given, right) in [
        (Rights::READ, Prot::READ),
        (Rights::WRITE, Prot::WRITE),
        (Rights::EXECUTE, Prot::EXECUTE),
    ] {
        rights.set(right, part.rights.contains(given));
    }
    let backing = part.offset.map_or(Backing::Zero, |offset| Backing::Object {
        object: object.clone(),
        offset: offset / PAGE,
        shared: false,
    });
    MapRequest {
        placement: Placement::Fixed(VirtAddr(part.address)),
        length: part.len,
        rights,
        maximum: Prot::all(),
        flags: Flags::empty(),
        backing,
    }
}

/// Zeros what follows the bytes of segments in their last pages. The program's space is loaded.
pub(super) fn clear_tails(program: &Plan) -> Result<(), Stop> {
    program.tails.iter().try_for_each(|tail| {
        cpu::let_interrupts_in();
        let len = tail.len as usize;
        Ok(UserSlice::new(tail.address as usize, len)?.zero(len)?)
    })
}
