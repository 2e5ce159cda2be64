//! Mappings in a process's image.

use crate::file::boot_object;
use crate::syscall::errno::Errno;
use alloc::vec::Vec;
use braid_files::archive::NodeId;
use fallible::TryVec;
use ipc::words::{Reader, Writer};
use mem::object::ObjectRef;
use mem::space::VmSpace;
use torus::TorusId;
use travel::lease::{self, ObjectName, Taken};
use vm::addr::{Page, PageRange, VirtAddr};
use vm::space::{Backing, Flags, Limits as SpaceLimits, Mapping, Parts, Prot};

/// Kinds of mappings: of zeros, of a file of the boot archive, of an object with a home; and of one that never changes.
const ZERO: u64 = 0;
const BOOT_FILE: u64 = 1;
const OBJECT: u64 = 2;
const CONTENT: u64 = 3;

/// Writes the mappings, heap and limits of a space; what else holds its objects is told that the target does.
pub(super) fn write_space(to: &mut Writer, vm: &VmSpace, taken: &mut Taken) -> Result<(), Errno> {
    let (heap, limits) = (vm.heap(), vm.limits);
    to.put_all([heap.0.0, heap.1.0, vm.ceiling().0])?;
    to.put_all([limits.address_space, limits.data, limits.stack])?;
    to.put_all([vm.peak(), vm.mapping_count() as u64])?;
    for mapping in vm.mappings(tori::here().memory()) {
        let shared = !mapping.is_private();
        let (kind, offset, number, home) = match &mapping.backing {
            Backing::Zero => (ZERO, 0, 0, 0),
            Backing::Object { object, offset, .. } => match object.0.common_name() {
                Some(file) => (BOOT_FILE, *offset, file, 0),
                None => {
                    let name = taken.take(object)?;
                    let kind = if name.content { CONTENT } else { OBJECT };
                    (kind, *offset, name.number, name.home.index() as u64)
                }
            },
        };
        let traits = u64::from(mapping.rights.bits())
            | u64::from(mapping.maximum.bits()) << 8
            | u64::from(mapping.flags.bits()) << 16
            | kind << 24
            | u64::from(shared) << 32
            | home << 40;
        let range = mapping.range;
        to.put_all([range.start.0, range.end.0, traits, mapping.origin])?;
        to.put_all([offset, number])?;
    }
    Ok(())
}

/// Reads what [`write_space`] wrote.
pub(super) fn read_space(from: &mut Reader) -> Result<Parts<ObjectRef>, Errno> {
    let [start, end, ceiling] = from.array()?;
    let [address_space, data, stack, peak, count] = from.array()?;
    let mut mappings = Vec::new();
    for _ in 0..count {
        mappings.try_push(read_mapping(from)?)?;
    }
    Ok(Parts {
        mappings,
        heap: (VirtAddr(start), VirtAddr(end)),
        ceiling: VirtAddr(ceiling),
        limits: SpaceLimits {
            address_space,
            data,
            stack,
            locked: u64::MAX,
        },
        peak,
    })
}

fn read_mapping(from: &mut Reader) -> Result<Mapping<ObjectRef>, Errno> {
    let [start, end, traits, origin, offset, number] = from.array()?;
    let shared = traits >> 32 & 1 != 0;
    let kind = traits >> 24 & 0xff;
    let object = match kind {
        ZERO => None,
        BOOT_FILE => Some(boot_file(number)?),
        OBJECT | CONTENT => Some(lease::holder::take(ObjectName {
            home: TorusId::new((traits >> 40) as usize).ok_or(Errno::EINVAL)?,
            number,
            content: kind == CONTENT,
        })?),
        _ => return Err(Errno::EINVAL),
    };
    let backing = object.map_or(Backing::Zero, |object| Backing::Object {
        object,
        offset,
        shared,
    });
    Ok(Mapping {
        range: PageRange::new(Page(start), Page(end)),
        rights: Prot::from_bits_truncate(traits as u8),
        maximum: Prot::from_bits_truncate((traits >> 8) as u8),
        flags: Flags::from_bits_truncate((traits >> 16) as u8),
        origin,
        backing,
    })
}

/// What mappings of the boot archive's file of this number show.
fn boot_file(number: u64) -> Result<ObjectRef, Errno> {
    let number = u32::try_from(number).map_err(|_| Errno::EINVAL)?;
    boot_object(NodeId(number))
}
