//! Cache lines that one processor has written and another touches.
//!
//! Counted is what costs a transfer between caches on hardware: the first touch of a line by a processor after
//! another one's write. Further touches are free until somebody writes again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

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

/// A way in which a line went from one processor to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub(crate) struct Transfer {
    /// The region in which it went.
    pub(crate) region: u8,
    /// The line's address in the machine's memory, in bytes.
    pub(crate) line: u64,
    /// Who had written it.
    pub(crate) writer: u16,
    /// By which instruction.
    pub(crate) writer_pc: u64,
    /// Who touched it.
    pub(crate) toucher: u16,
    /// By which instruction.
    pub(crate) toucher_pc: u64,
    /// Whether the touch was a write.
    pub(crate) write: bool,
}

/// What is known of a line.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    epoch: u32,
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
}

impl Lines {
    /// None yet.
    pub(crate) fn new() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards }
    }

    /// Notes an access in the `epoch`-th region, which has the number `region`.
    pub(crate) fn note(&self, region: u8, epoch: u32, access: Access) {
        let number = access.address >> LINE_SHIFT;
        let shard = &mut *lock(&self.shards[number as usize % SHARDS]);
        let line = shard.lines.entry(number).or_default();
        if line.epoch != epoch {
            *line = Line {
                epoch,
                ..Line::default()
            };
        }
        let bit = 1_u128 << (u32::from(access.cpu) % SEEN_BITS);
        if let Some((writer, writer_pc)) = line.writer
            && writer != access.cpu
            && line.seen & bit == 0
        {
            let transfer = Transfer {
                region,
                line: number << LINE_SHIFT,
                writer,
                writer_pc,
                toucher: access.cpu,
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

    /// How often each transfer happened, in order.
    pub(crate) fn transfers(&self) -> Vec<(Transfer, u64)> {
        let mut all: Vec<_> = self
            .shards
            .iter()
            .flat_map(|shard| {
                let shard = lock(shard);
                shard
                    .transfers
                    .iter()
                    .map(|(transfer, count)| (*transfer, *count))
                    .collect::<Vec<_>>()
            })
            .collect();
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

    fn counts(accesses: &[Access]) -> Vec<(u16, u16, u64)> {
        let lines = Lines::new();
        for access in accesses {
            lines.note(1, 1, *access);
        }
        let transfers = lines.transfers();
        transfers
            .iter()
            .map(|(transfer, count)| (transfer.writer, transfer.toucher, *count))
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
        ];
        assert_eq!(counts(&accesses), [(0, 1, 1)]);
    }

    #[test]
    fn writing_in_turns_counts_every_turn() {
        let accesses: Vec<_> = (0..6).map(|turn| access(turn % 2, 0, true)).collect();
        assert_eq!(counts(&accesses), [(0, 1, 3), (1, 0, 2)]);
    }

    #[test]
    fn a_new_region_forgets_who_wrote() {
        let lines = Lines::new();
        lines.note(1, 1, access(0, 0, true));
        lines.note(1, 2, access(1, 0, true));
        assert_eq!(lines.transfers(), []);
    }
}
