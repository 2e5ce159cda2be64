//! The physical memory map: from the firmware's list to the one the kernel is given, and allocation in between.
//!
//! Invariant kept throughout: regions are sorted by base, do not overlap, and usable and bootloader-reclaimable ones
//! begin and end on page boundaries (Limine protocol, Memory Map Feature).

use alloc::vec::Vec;
use thiserror::Error;

/// Bytes of a page.
pub const PAGE: u64 = 4096;

/// What a region is, with the numbers of the Limine protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u64)]
pub enum Kind {
    /// Free memory.
    Usable = 0,
    /// Not memory, or not ours.
    Reserved = 1,
    /// ACPI tables.
    AcpiReclaimable = 2,
    /// Memory the firmware keeps across sleep.
    AcpiNvs = 3,
    /// Broken memory.
    Bad = 4,
    /// The loader, its responses, page tables and stacks.
    BootloaderReclaimable = 5,
    /// Kernel image and modules.
    ExecutableAndModules = 6,
    /// Video memory.
    Framebuffer = 7,
}

impl Kind {
    /// The kind of an entry of the PVH memory map, whose types are those of E820 (Xen: `hvm_memmap_table_entry`).
    pub fn from_e820(kind: u32) -> Self {
        match kind {
            1 => Self::Usable,
            3 => Self::AcpiReclaimable,
            4 => Self::AcpiNvs,
            5 => Self::Bad,
            _ => Self::Reserved,
        }
    }

    fn is_paged(self) -> bool {
        matches!(
            self,
            Self::Usable | Self::BootloaderReclaimable | Self::ExecutableAndModules
        )
    }

    /// Where the firmware's entries overlap, the higher weight wins: what is least ours.
    fn weight(self) -> u8 {
        match self {
            Self::Usable => 0,
            Self::BootloaderReclaimable | Self::ExecutableAndModules => 1,
            Self::AcpiReclaimable => 2,
            Self::AcpiNvs => 3,
            Self::Reserved => 4,
            Self::Bad | Self::Framebuffer => 5,
        }
    }
}

/// A range of physical addresses of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// First byte.
    pub base: u64,
    /// First byte after it.
    pub end: u64,
    /// What it is.
    pub kind: Kind,
}

/// Why memory cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MapError {
    /// No usable range is large enough.
    #[error("not enough memory: no {0} KiB of usable memory together below {1:#x}")]
    NoMemory(u64, u64),
    /// Something that must be in usable memory is not.
    #[error("the firmware does not call the memory at {0:#x}..{1:#x} usable, but the {2} is there")]
    NotUsable(u64, u64, &'static str),
}

/// The memory map.
#[derive(Debug, Clone, Default)]
pub struct MemoryMap {
    regions: Vec<Region>,
}

impl MemoryMap {
    /// Makes sorted, disjoint, aligned regions of whatever the firmware lists.
    pub fn new(firmware: impl IntoIterator<Item = Region>) -> Self {
        let mut listed: Vec<Region> = firmware.into_iter().filter(|r| r.base < r.end).collect();
        // Page 0 is never usable (Limine protocol, Memory Map Feature).
        let zero = listed
            .iter()
            .any(|r| r.base < PAGE && r.kind == Kind::Usable);
        if zero {
            listed.push(Region {
                base: 0,
                end: PAGE,
                kind: Kind::Reserved,
            });
        }
        let mut cuts: Vec<u64> = listed.iter().flat_map(|r| [r.base, r.end]).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let mut map = Self::default();
        for pair in cuts.windows(2) {
            let (base, end) = (pair[0], pair[1]);
            let covering = listed.iter().filter(|r| r.base <= base && end <= r.end);
            if let Some(kind) = covering.map(|r| r.kind).max_by_key(|kind| kind.weight()) {
                map.push(Region { base, end, kind });
            }
        }
        map.regions.retain_mut(|region| {
            if region.kind.is_paged() {
                let up = region.base.checked_next_multiple_of(PAGE);
                region.base = up.unwrap_or(u64::MAX);
                region.end = region.end / PAGE * PAGE;
            }
            region.base < region.end
        });
        map
    }

    /// The regions, sorted by base.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// Marks the pages that hold `base..end`, which must be usable throughout, as `kind`.
    ///
    /// # Errors
    /// When a part of it is not usable memory; `what` is what the message calls it.
    pub fn claim(
        &mut self,
        base: u64,
        end: u64,
        kind: Kind,
        what: &'static str,
    ) -> Result<(), MapError> {
        self.convert(base, end, Kind::Usable, kind)
            .ok_or(MapError::NotUsable(base, end, what))
    }

    /// Adds the video memory at `base`, which no region may cover. False, and no change, when one does.
    pub fn add_framebuffer(&mut self, base: u64, length: u64) -> bool {
        let Some(end) = base.checked_add(length) else {
            return false;
        };
        let index = self.regions.partition_point(|region| region.end <= base);
        if self.regions.get(index).is_some_and(|next| next.base < end) {
            return false;
        }
        let kind = Kind::Framebuffer;
        self.regions.insert(index, Region { base, end, kind });
        true
    }

    /// Turns pages of `from` that hold `base..end` into `to`. `None`, and no change, when they are not all `from`.
    pub fn convert(&mut self, base: u64, end: u64, from: Kind, to: Kind) -> Option<()> {
        if base >= end {
            return Some(());
        }
        let base = base / PAGE * PAGE;
        let end = end.checked_next_multiple_of(PAGE)?;
        let holds = |r: &Region| r.base <= base && end <= r.end && r.kind == from;
        let index = self.regions.iter().position(holds)?;
        let whole = self.regions[index];
        let parts = [
            Region { end: base, ..whole },
            Region {
                base,
                end,
                kind: to,
            },
            Region { base: end, ..whole },
        ];
        let after = self.regions.split_off(index + 1);
        self.regions.pop();
        for region in parts.into_iter().chain(after) {
            if region.base < region.end {
                self.push(region);
            }
        }
        Some(())
    }

    /// Takes `length` bytes (rounded up to pages) of usable memory, as high as possible below `limit`, at a multiple
    /// of `align` (a power of two), and marks it as `kind`. Gives the address.
    ///
    /// # Errors
    /// When there is none.
    pub fn allocate(
        &mut self,
        length: u64,
        align: u64,
        limit: u64,
        kind: Kind,
    ) -> Result<u64, MapError> {
        let error = MapError::NoMemory(length.div_ceil(1024), limit);
        let align = align.max(PAGE);
        let length = length.max(1).checked_next_multiple_of(PAGE).ok_or(error)?;
        let base = self
            .regions
            .iter()
            .rev()
            .filter(|r| r.kind == Kind::Usable)
            .find_map(|region| {
                let highest = region.end.min(limit).checked_sub(length)?;
                Some(highest & !(align - 1)).filter(|&base| base >= region.base)
            });
        let base = base.ok_or(error)?;
        self.convert(base, base + length, Kind::Usable, kind)
            .ok_or(error)?;
        Ok(base)
    }

    /// Appends a region, joined with the one before where they touch and are alike.
    fn push(&mut self, region: Region) {
        match self.regions.last_mut() {
            Some(last) if last.end == region.base && last.kind == region.kind => {
                last.end = region.end
            }
            _ => self.regions.push(region),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn region(base: u64, end: u64, kind: Kind) -> Region {
        Region { base, end, kind }
    }

    /// What QEMU 7.2 reports for `-m 512M`.
    fn pc() -> MemoryMap {
        MemoryMap::new([
            region(0, 0x9_fc00, Kind::Usable),
            region(0x9_fc00, 0xa_0000, Kind::Reserved),
            region(0xf_0000, 0x10_0000, Kind::Reserved),
            region(0x10_0000, 0x1ffe_0000, Kind::Usable),
            region(0x1ffe_0000, 0x2000_0000, Kind::Reserved),
            region(0xfffc_0000, 0x1_0000_0000, Kind::Reserved),
        ])
    }

    fn check(map: &MemoryMap) {
        for pair in map.regions().windows(2) {
            assert!(pair[0].end <= pair[1].base, "{pair:x?}");
        }
        for r in map.regions() {
            assert!(r.base < r.end);
            assert!(
                !r.kind.is_paged() || r.base % PAGE == 0 && r.end % PAGE == 0,
                "{r:x?}"
            );
            assert!(r.kind != Kind::Usable || r.base >= PAGE);
        }
    }

    #[test]
    fn memory_at_the_end_of_all_addresses_is_no_page() {
        let usable = Region {
            base: u64::MAX - 10,
            end: u64::MAX,
            kind: Kind::Usable,
        };
        assert!(MemoryMap::new([usable]).regions().is_empty());
    }

    #[test]
    fn video_memory_comes_where_nothing_is() {
        let mut map = MemoryMap::new([region(0x1000, 0x9000, Kind::Usable)]);
        assert!(map.add_framebuffer(0xfd00_0000, 0x30_0000));
        for base in [0x8000, 0xfd00_1000, 0xfcff_f000, u64::MAX] {
            assert!(!map.add_framebuffer(base, 0x2000), "{base:#x}");
        }
        assert!(map.add_framebuffer(0xa000, 0x1000));
        let kinds: Vec<Kind> = map.regions().iter().map(|region| region.kind).collect();
        assert_eq!(kinds, [Kind::Usable, Kind::Framebuffer, Kind::Framebuffer]);
    }

    #[test]
    fn aligns_and_never_gives_page_zero() {
        let map = pc();
        check(&map);
        assert_eq!(map.regions()[0], region(0, 0x1000, Kind::Reserved));
        assert_eq!(map.regions()[1], region(0x1000, 0x9_f000, Kind::Usable));
        assert_eq!(map.regions()[2].base, 0x9_fc00);
    }

    #[test]
    fn overlaps_go_to_what_is_least_ours() {
        let map = MemoryMap::new([
            region(0x10_0000, 0x20_0000, Kind::Usable),
            region(0x18_0800, 0x18_1000, Kind::Reserved),
            region(0x18_0000, 0x19_0000, Kind::AcpiNvs),
            region(0x1f_0000, 0x30_0000, Kind::Usable),
            region(5, 5, Kind::Bad),
        ]);
        check(&map);
        let expected = vec![
            region(0x10_0000, 0x18_0000, Kind::Usable),
            region(0x18_0000, 0x18_0800, Kind::AcpiNvs),
            region(0x18_0800, 0x18_1000, Kind::Reserved),
            region(0x18_1000, 0x19_0000, Kind::AcpiNvs),
            region(0x19_0000, 0x30_0000, Kind::Usable),
        ];
        assert_eq!(map.regions(), expected);
    }

    #[test]
    fn allocates_from_the_top_and_claims_in_place() {
        let mut map = pc();
        map.claim(0x10_0000, 0x18_0123, Kind::BootloaderReclaimable, "loader")
            .unwrap();
        assert_eq!(
            map.claim(0x9_e000, 0xa_0000, Kind::BootloaderReclaimable, "x"),
            Err(MapError::NotUsable(0x9_e000, 0xa_0000, "x"))
        );
        let high = map
            .allocate(5000, 1, u64::MAX, Kind::BootloaderReclaimable)
            .unwrap();
        assert_eq!(high, 0x1ffd_e000);
        let aligned = map
            .allocate(1, 0x20_0000, u64::MAX, Kind::ExecutableAndModules)
            .unwrap();
        assert_eq!(aligned, 0x1fe0_0000);
        let low = map
            .allocate(PAGE, PAGE, 0x10_0000, Kind::BootloaderReclaimable)
            .unwrap();
        assert_eq!(low, 0x9_e000);
        check(&map);
        assert_eq!(
            map.convert(
                0x10_0000,
                0x10_1000,
                Kind::BootloaderReclaimable,
                Kind::ExecutableAndModules
            ),
            Some(())
        );
        check(&map);
        assert!(
            map.regions()
                .contains(&region(0x10_1000, 0x18_1000, Kind::BootloaderReclaimable))
        );
    }

    #[test]
    fn refuses_what_is_not_there() {
        let mut map = pc();
        for length in [0x2000_0000, u64::MAX, u64::MAX - PAGE] {
            assert!(
                map.allocate(length, 1, u64::MAX, Kind::BootloaderReclaimable)
                    .is_err()
            );
        }
        assert!(
            map.allocate(PAGE, PAGE, 0x1000, Kind::BootloaderReclaimable)
                .is_err()
        );
        assert_eq!(map.convert(0x2000, u64::MAX, Kind::Usable, Kind::Bad), None);
        assert_eq!(map.regions(), pc().regions());
    }
}
