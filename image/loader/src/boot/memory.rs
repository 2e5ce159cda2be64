//! The machine's memory, reached through the identity map.

use super::REACH;
use braid_loader::{
    map::{Kind, MapError, MemoryMap, PAGE},
    paging::Tables,
};

/// `length` bytes at a physical address, or `None` when they are out of reach or at address 0.
///
/// # Safety
/// By L2: nothing may write to them while the slice is in use.
pub(super) unsafe fn bytes(physical: u64, length: u64) -> Option<&'static [u8]> {
    reachable(physical, length)?;
    let start = core::ptr::with_exposed_provenance(physical as usize);
    // SAFETY: L2, the caller vouches for no writers; the identity map covers the range, and any bytes are valid u8.
    Some(unsafe { core::slice::from_raw_parts(start, length as usize) })
}

/// The same for writing.
///
/// # Safety
/// By L2: nothing else may use them while the slice is in use.
pub(super) unsafe fn bytes_mut(physical: u64, length: u64) -> Option<&'static mut [u8]> {
    reachable(physical, length)?;
    let start = core::ptr::with_exposed_provenance_mut(physical as usize);
    // SAFETY: L2, the caller vouches for no other users; the identity map covers the range.
    Some(unsafe { core::slice::from_raw_parts_mut(start, length as usize) })
}

fn reachable(physical: u64, length: u64) -> Option<()> {
    (physical > 0 && physical.checked_add(length)? <= REACH).then_some(())
}

/// Takes `length` bytes of zeroes, rounded up to pages, out of the memory map.
///
/// # Errors
/// When there is no memory below 4 GiB.
pub(super) fn take(
    map: &mut MemoryMap,
    length: u64,
    align: u64,
    kind: Kind,
) -> Result<&'static mut [u8], MapError> {
    let base = map.allocate(length, align, REACH, kind)?;
    // SAFETY: L3, what the memory map has just handed out is nobody else's.
    let bytes = unsafe { bytes_mut(base, length.next_multiple_of(PAGE)) };
    let bytes = bytes.ok_or(MapError::NoMemory(length.div_ceil(1024), REACH))?;
    bytes.fill(0);
    Ok(bytes)
}

/// Physical address of something the loader can touch.
pub(super) fn physical<T: ?Sized>(object: &T) -> u64 {
    core::ptr::from_ref(object).cast::<u8>().expose_provenance() as u64
}

/// Page tables in memory taken from the map.
pub(super) struct MappedTables<'a>(pub(super) &'a mut MemoryMap);

impl Tables for MappedTables<'_> {
    fn create(&mut self) -> Result<u64, MapError> {
        take(self.0, PAGE, PAGE, Kind::BootloaderReclaimable).map(|table| physical(table))
    }

    fn read(&self, table: u64, index: usize) -> u64 {
        // SAFETY: L4, `table` came from `create`, and no reference to it is kept.
        unsafe {
            core::ptr::with_exposed_provenance::<u64>(table as usize)
                .add(index % 512)
                .read()
        }
    }

    fn write(&mut self, table: u64, index: usize, entry: u64) {
        // SAFETY: L4, as in `read`.
        unsafe {
            core::ptr::with_exposed_provenance_mut::<u64>(table as usize)
                .add(index % 512)
                .write(entry)
        }
    }
}
