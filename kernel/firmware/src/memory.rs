//! The loader's memory map, made safe to rely on.

use core::fmt;

const PAGE: u64 = 4096;
/// Memory above is not used: 64 TiB, as much as the kernel's direct map has room for.
pub const LIMIT: u64 = 1 << 46;

/// What a range of memory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryKind {
    /// Free.
    Usable,
    /// The loader's; free when its answers are no longer needed.
    Loader,
    /// The kernel and the modules.
    Kernel,
    /// ACPI tables.
    Acpi,
    /// Video memory.
    Framebuffer,
    /// Not for the kernel.
    Reserved,
}

/// A range of the memory map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryRange {
    /// Physical address of the first byte.
    pub start: u64,
    /// Bytes.
    pub len: u64,
    /// What it holds.
    pub kind: MemoryKind,
}

impl MemoryRange {
    /// Of no bytes.
    pub const EMPTY: Self = Self {
        start: 0,
        len: 0,
        kind: MemoryKind::Reserved,
    };

    /// The first byte after it.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.start.saturating_add(self.len)
    }

    fn is_free(&self) -> bool {
        matches!(self.kind, MemoryKind::Usable | MemoryKind::Loader)
    }

    /// The part before or after `other`, when they overlap: the upper one where `other` covers the beginning.
    fn without(&mut self, other: &Self) {
        if other.end() <= self.start || self.end() <= other.start {
            return;
        }
        if other.start <= self.start {
            self.cut(other.end(), self.end());
        } else {
            self.cut(self.start, other.start);
        }
    }

    fn cut(&mut self, start: u64, end: u64) {
        self.start = start;
        self.len = end.saturating_sub(start);
    }

    /// Whole pages below [`LIMIT`].
    fn trim(&mut self) {
        let start = self.start.min(LIMIT).next_multiple_of(PAGE);
        self.cut(start, self.end().min(LIMIT) / PAGE * PAGE);
    }
}

impl fmt::Display for MemoryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Usable => "usable",
            Self::Loader => "loader's",
            Self::Kernel => "kernel's",
            Self::Acpi => "acpi",
            Self::Framebuffer => "framebuffer",
            Self::Reserved => "reserved",
        })
    }
}

impl fmt::Display for MemoryRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x} to {:#x} {}", self.start, self.end(), self.kind)
    }
}

/// Sorts the ranges and makes the free ones whole pages that overlap nothing: where two ranges claim the same bytes these are
/// not free, and of two that call them free the loader's wins, then the first. Answers how many ranges are left.
pub fn clean(ranges: &mut [MemoryRange]) -> usize {
    let wins = |other: &MemoryRange, own: &MemoryRange, is_first: bool| {
        let loaders = other.kind == MemoryKind::Loader && own.kind == MemoryKind::Usable;
        !other.is_free() || loaders || is_first && other.kind == own.kind
    };
    for at in 0..ranges.len() {
        let mut own = ranges[at];
        // Ranges that are not free may claim half pages and more than there is.
        own.len = own.len.min(LIMIT.saturating_sub(own.start));
        if own.is_free() {
            own.trim();
            for (number, other) in ranges
                .iter()
                .enumerate()
                .filter(|(number, _)| *number != at)
            {
                if wins(other, &own, number < at) {
                    own.without(other);
                    own.trim();
                }
            }
        }
        ranges[at] = own;
    }
    let mut kept = 0;
    for at in 0..ranges.len() {
        if ranges[at].len > 0 {
            ranges.swap(kept, at);
            kept += 1;
        }
    }
    ranges[..kept].sort_unstable_by_key(|range| range.start);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn kinds() -> impl Strategy<Value = MemoryKind> {
        use MemoryKind::{Acpi, Framebuffer, Kernel, Loader, Reserved, Usable};
        prop::sample::select(std::vec![
            Usable,
            Usable,
            Loader,
            Kernel,
            Acpi,
            Framebuffer,
            Reserved
        ])
    }

    fn cleaned(mut ranges: Vec<MemoryRange>) -> Vec<MemoryRange> {
        let count = clean(&mut ranges);
        ranges.truncate(count);
        ranges
    }

    fn check(before: &[MemoryRange], after: &[MemoryRange]) {
        assert!(after.is_sorted_by_key(|range| range.start));
        for (at, own) in after.iter().enumerate().filter(|(_, own)| own.is_free()) {
            assert!(own.len > 0 && own.end() <= LIMIT);
            assert!(own.start % PAGE == 0 && own.len % PAGE == 0);
            let inside = |range: &&MemoryRange| {
                range.kind == own.kind && range.start <= own.start && own.end() <= range.end()
            };
            assert!(before.iter().any(|range| inside(&range)));
            let mut others = after.iter().enumerate().filter(|(number, _)| *number != at);
            assert!(others.all(|(_, other)| other.end() <= own.start || own.end() <= other.start));
        }
    }

    #[test]
    fn hundreds_of_ranges_with_holes_stay_as_they_are() {
        let range = |number: u64| MemoryRange {
            start: number * 0x10_0000,
            len: if number.is_multiple_of(3) {
                0x8_0000
            } else {
                0x10_0000
            },
            kind: [MemoryKind::Usable, MemoryKind::Reserved][(number % 2) as usize],
        };
        let ranges: Vec<MemoryRange> = (0..900).map(range).collect();
        assert_eq!(cleaned(ranges.clone()), ranges);
    }

    proptest! {
        #[test]
        fn what_is_free_is_free(
            ranges in prop::collection::vec((0u64..64, 0u64..24, 0u64..4096, kinds()), 0..40)
        ) {
            let make = |(start, len, odd, kind)| MemoryRange {
                start: start * PAGE + odd / 2,
                len: len * PAGE + odd,
                kind,
            };
            let ranges: Vec<MemoryRange> = ranges.into_iter().map(make).collect();
            check(&ranges, &cleaned(ranges.clone()));
        }

        #[test]
        fn no_map_is_too_much(
            ranges in prop::collection::vec((any::<u64>(), any::<u64>(), kinds()), 0..40)
        ) {
            let make = |(start, len, kind)| MemoryRange { start, len, kind };
            let ranges: Vec<MemoryRange> = ranges.into_iter().map(make).collect();
            check(&ranges, &cleaned(ranges.clone()));
        }
    }
}
