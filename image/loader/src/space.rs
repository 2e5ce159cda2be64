//! The address space that the kernel starts in (Limine protocol, Entry memory layout).

use crate::{
    executable::Plan,
    map::{Kind, PAGE, Region},
    paging::{Mapper, PagingError, Rights, Tables},
};
use alloc::vec::Vec;

const FOUR_GIB: u64 = 1 << 32;

/// Maps the kernel image at `physical` with the rights of its segments, and physical memory as the base revision says.
///
/// # Errors
/// When there is no memory for tables, or the kernel is linked to where the direct map is.
pub fn build<T: Tables>(
    mapper: &mut Mapper<'_, T>,
    plan: &Plan<'_>,
    physical: u64,
    hhdm: u64,
    regions: &[Region],
    base_revision: u64,
) -> Result<(), PagingError> {
    for pages in plan.pages() {
        let rights = Rights {
            write: pages.write,
            execute: pages.execute,
        };
        mapper.map(
            pages.address,
            physical + (pages.address - plan.base),
            pages.end - pages.address,
            rights,
        )?;
    }
    let all = Rights {
        write: true,
        execute: true,
    };
    for (base, end) in direct_map(regions, base_revision) {
        mapper.map(hhdm + base, base, end - base, all)?;
        if base_revision == 0 {
            let base = base.max(PAGE);
            mapper.map(base, base, end - base, all)?;
        }
    }
    Ok(())
}

/// The physical memory in the direct map, as sorted ranges that do not touch: up to base revision 2 the first 4 GiB,
/// and of what is above, in revisions 1 and 2, only what is neither reserved nor bad; from revision 3 on only memory
/// that is usable, reclaimable from the loader, or the kernel's and its modules', and video memory.
fn direct_map(regions: &[Region], base_revision: u64) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    if base_revision < 3 {
        ranges.push((0, FOUR_GIB));
    }
    for region in regions {
        let wanted = match region.kind {
            Kind::Usable
            | Kind::BootloaderReclaimable
            | Kind::ExecutableAndModules
            | Kind::Framebuffer => true,
            Kind::AcpiReclaimable | Kind::AcpiNvs => base_revision < 3,
            Kind::Reserved | Kind::Bad => base_revision == 0,
        };
        let (base, end) = (region.base / PAGE * PAGE, region.end.div_ceil(PAGE) * PAGE);
        if !wanted {
            continue;
        }
        match ranges.last_mut() {
            Some(last) if base <= last.1 => last.1 = last.1.max(end),
            _ => ranges.push((base, end)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regions() -> [Region; 6] {
        let region = |base, end, kind| Region { base, end, kind };
        [
            region(0, 0x1000, Kind::Reserved),
            region(0x1000, 0x9_f000, Kind::Usable),
            region(0x10_0000, 0x20_0000, Kind::BootloaderReclaimable),
            region(0x20_0000, 0x8000_0000, Kind::Usable),
            region(FOUR_GIB, FOUR_GIB + 0x4000_0000, Kind::Usable),
            region(0xfd_0000_0000, 0x100_0000_0000, Kind::Reserved),
        ]
    }

    #[test]
    fn direct_map_follows_the_base_revision() {
        let high = FOUR_GIB + 0x4000_0000;
        let all = direct_map(&regions(), 0);
        assert_eq!(all, [(0, high), (0xfd_0000_0000, 0x100_0000_0000)]);
        assert_eq!(direct_map(&regions(), 1), [(0, high)]);
        assert_eq!(direct_map(&regions(), 2), [(0, high)]);
        let memory = direct_map(&regions(), 3);
        assert_eq!(
            memory,
            [
                (0x1000, 0x9_f000),
                (0x10_0000, 0x8000_0000),
                (FOUR_GIB, high)
            ]
        );
    }
}
