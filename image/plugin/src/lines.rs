//! Cache lines that one processor has written and another touches.
//!
//! Counted is what costs a transfer between caches on hardware: the first touch of a line by a processor after
//! another one's write. Further touches are free until somebody writes again. Who wrote last is followed from the first
//! region to the end; transfers are counted when the touch is part of a region.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use braid_bench::counted::Transfer;

use crate::regions::Region;

/// Bytes of a cache line, as a power of two.
const LINE_SHIFT: u32 = 6;
const SHARDS: usize = 256;
/// Processors whose touches are told apart; those beyond share a bit and are counted too rarely.
const SEEN_BITS: u32 = 128;

/// One access by a processor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    /// The processor.
    pub(crate) cpu: u16,
    /// Where in the machine's memory, in bytes.
    pub(crate) address: u64,
    /// The address of the instruction; 0 for all of user mode.
    pub(crate) pc: u64,
    /// Whether it writes.
    pub(crate) write: bool,
}

/// What is known of a line.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    writer: Option<(u16, u64)>,
    /// Processors that have touched it since it was written.
    seen: u128,
}

#[derive(Debug, Default)]
struct Shard {
    lines: HashMap<u64, Line>,
    transfers: HashMap<Transfer, u64>,
}

/// All lines that were accessed.
#[derive(Debug)]
pub(crate) struct Lines {
    shards: Vec<Mutex<Shard>>,
    /// Processors of a torus.
    torus: usize,
}

impl Lines {
    /// None yet, on a machine with tori of so many processors.
    pub(crate) fn new(torus: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, torus }
    }

    /// Notes an access, which counts when it is part of a region.
    pub(crate) fn note(&self, region: Option<Region>, access: Access) {
        let number = access.address >> LINE_SHIFT;
        let shard = &mut *lock(&self.shards[number as usize % SHARDS]);
        let line = shard.lines.entry(number).or_default();
        let bit = 1_u128 << (u32::from(access.cpu) % SEEN_BITS);
        if let Some(region) = region
            && let Some((writer, writer_pc)) = line.writer
            && writer != access.cpu
            && line.seen & bit == 0
        {
            let across = self.torus_of(writer) != self.torus_of(access.cpu);
            let transfer = Transfer {
                region,
                across,
                line: if across { number << LINE_SHIFT } else { 0 },
                writer_pc,
                toucher_pc: access.pc,
                write: access.write,
            };
            *shard.transfers.entry(transfer).or_default() += 1;
        }
        line.seen |= bit;
        if access.write {
            line.writer = Some((access.cpu, access.pc));
            line.seen = bit;
        }
    }

    fn torus_of(&self, cpu: u16) -> usize {
        usize::from(cpu) / self.torus
    }

    /// How often each transfer happened, in order.
    pub(crate) fn transfers(&self) -> Vec<(Transfer, u64)> {
        let mut sums: HashMap<Transfer, u64> = HashMap::new();
        for shard in &self.shards {
            for (transfer, count) in &lock(shard).transfers {
                *sums.entry(*transfer).or_default() += count;
            }
        }
        let mut all: Vec<_> = sums.into_iter().collect();
        all.sort_unstable();
        all
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{Access, Lines};

    fn access(cpu: u16, address: u64, write: bool) -> Access {
        Access {
            cpu,
            address,
            pc: 0x100 + u64::from(cpu),
            write,
        }
    }

    /// Writer's and toucher's instruction, whether across tori of two processors, and how often.
    fn counts(accesses: &[Access]) -> Vec<(u64, u64, bool, u64)> {
        let lines = Lines::new(2);
        for access in accesses {
            lines.note(Some(1), *access);
        }
        let transfers = lines.transfers();
        transfers
            .iter()
            .map(|(transfer, count)| {
                (
                    transfer.writer_pc,
                    transfer.toucher_pc,
                    transfer.across,
                    *count,
                )
            })
            .collect()
    }

    #[test]
    fn reading_together_is_free() {
        assert_eq!(counts(&[access(0, 64, false), access(1, 64, false)]), []);
    }

    #[test]
    fn the_first_touch_after_a_write_of_another_counts() {
        let accesses = [
            access(0, 64, true),
            access(0, 72, false),
            access(1, 127, false),
            access(1, 64, false),
            access(1, 128, false),
            access(2, 64, false),
        ];
        assert_eq!(
            counts(&accesses),
            [(0x100, 0x101, false, 1), (0x100, 0x102, true, 1)]
        );
    }

    #[test]
    fn writing_in_turns_counts_every_turn() {
        let accesses: Vec<_> = (0..6).map(|turn| access(turn % 2, 0, true)).collect();
        assert_eq!(
            counts(&accesses),
            [(0x100, 0x101, false, 3), (0x101, 0x100, false, 2)]
        );
    }

    #[test]
    fn outside_of_regions_lines_are_followed_and_nothing_counts() {
        let lines = Lines::new(2);
        lines.note(Some(1), access(0, 0, true));
        lines.note(None, access(1, 0, true));
        assert_eq!(lines.transfers(), []);
        lines.note(Some(2), access(1, 0, false));
        assert_eq!(lines.transfers(), []);
        lines.note(Some(2), access(0, 0, false));
        assert_eq!(lines.transfers().len(), 1);
    }

    #[test]
    fn only_what_goes_across_tori_names_the_line() {
        let lines = Lines::new(1);
        for address in [64, 128] {
            lines.note(Some(1), access(0, address, true));
            lines.note(Some(1), access(1, address, false));
        }
        let found: Vec<u64> = lines
            .transfers()
            .iter()
            .map(|(transfer, _)| transfer.line)
            .collect();
        assert_eq!(found, [64, 128]);
        let lines = Lines::new(2);
        for address in [64, 128] {
            lines.note(Some(1), access(0, address, true));
            lines.note(Some(1), access(1, address, false));
        }
        let transfers = lines.transfers();
        assert_eq!(
            (transfers.len(), transfers[0].0.line, transfers[0].1),
            (1, 0, 2)
        );
    }
}
