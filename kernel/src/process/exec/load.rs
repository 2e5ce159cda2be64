//! Mapping a program into a new address space.

use super::elf::{Program, Segment};
use crate::arch::cpu;
use crate::file::Executable;
use crate::mem::calls::{name, split, vm_limits};
use crate::mem::object::ObjectRef;
use crate::mem::space::Space;
use crate::mem::user::UserSlice;
use crate::process::limits::Limits;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use vm::addr::VirtAddr;
use vm::layout::Layout;
use vm::space::{Backing, Flags, MapRequest, Placement, Prot};

const PAGE: u64 = 4096;
/// Bytes of stack that are mapped at once, beyond the strings; the rest grows by fault (Linux: 128 KiB).
const STACK: u64 = 128 << 10;

/// Maps segments, heap and stack.
pub(super) fn map(
    space: &Space,
    program: &Program,
    file: &Arc<Executable>,
    limits: &Limits,
    layout: &Layout,
    strings: u64,
) -> Result<(), Errno> {
    let object = file.object()?;
    name(&object, || file.shown_path().map(Some));
    space.look(|space| space.limits = vm_limits(limits));
    for segment in &program.segments {
        map_segment(space, segment, &object)?;
    }
    let heap = VirtAddr(program.end().next_multiple_of(PAGE)) + layout.heap_gap;
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
    let memory = cpu::this().torus().memory();
    space.with(|space| split(space.map(memory, request)))?;
    Ok(())
}

/// Maps the file's part of a segment privately, and the rest as zeros.
fn map_segment(space: &Space, segment: &Segment, object: &ObjectRef) -> Result<(), Errno> {
    let start = segment.address & !(PAGE - 1);
    let file_end = match segment.file_size {
        0 => start,
        size => (segment.address + size).next_multiple_of(PAGE),
    };
    let end = (segment.address + segment.size).next_multiple_of(PAGE);
    let part = |from: u64, to: u64, backing: Backing<ObjectRef>| MapRequest {
        placement: Placement::Vacant(VirtAddr(from)),
        length: to - from,
        rights: segment.rights,
        maximum: Prot::all(),
        flags: Flags::empty(),
        backing,
    };
    if file_end > start {
        let object = object.clone();
        let offset = segment.offset / PAGE;
        let backing = Backing::Object {
            object,
            offset,
            shared: false,
        };
        map_one(space, part(start, file_end, backing))?;
    }
    if end > file_end {
        map_one(space, part(file_end, end, Backing::Zero))?;
    }
    Ok(())
}

/// Zeros what follows the file's bytes in the last page of each writable segment. The program's space is loaded.
pub(super) fn clear_tails(program: &Program) -> Result<(), Stop> {
    for segment in &program.segments {
        let from = segment.address + segment.file_size;
        let len = from.next_multiple_of(PAGE) - from;
        let partial = segment.size > segment.file_size && segment.file_size > 0 && len > 0;
        if partial && segment.rights.contains(Prot::WRITE) {
            UserSlice::new(from as usize, len as usize)?.zero(len as usize)?;
        }
    }
    Ok(())
}
