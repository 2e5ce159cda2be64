//! The division of a machine into tori.
//!
//! *Roles.* The kernel describes the machine: its cores, the usable memory, the memory affinity that the
//! firmware's SRAT states, and how many tori were asked for. [`divide`] answers with a [`Plan`]: which
//! cores and which frames each torus owns. It allocates nothing: the caller supplies the storage, so it
//! runs before there is a heap.
//!
//! *Cores* are sorted by NUMA node, last-level cache and APIC id, and cut into contiguous groups. The core that boots
//! comes first, with its cache and its node, so that torus 0 is the one where the first program runs.
//! *Memory* of a node is shared equally by the tori that have a core on that node; memory without a
//! node, or of a node without cores, is shared equally by all. When that would leave a torus with less
//! than the minimum, affinity is disregarded and all memory is shared equally ([`Division::Equal`]).
//!
//! A range may be cut at any frame; a cut moves to the nearest 2 MiB boundary when that changes the
//! shares beside it by at most one eighth.

mod memory;

use core::ops::Range;

use crate::{MAX_TORI, TorusId};
use memory::Pieces;

/// How many tori to make: `tori=N` or `tori=auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// One per NUMA node, or per last-level cache if there is one node, else two (one on one core).
    Auto,
    /// So many, of equal numbers of cores up to one.
    Count(usize),
}

/// One processor core that may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Core {
    /// Its local APIC id, which is unique.
    pub apic_id: u32,
    /// Its proximity domain, if the firmware has an SRAT.
    pub node: Option<u32>,
    /// A number that it shares with the cores that share its last-level cache.
    pub cache: Option<u32>,
}

/// A range of frame numbers (physical address / 4096) with the proximity domain that the SRAT gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affinity {
    /// Frame numbers, end exclusive. Where ranges overlap the first counts.
    pub frames: Range<u64>,
    /// The proximity domain.
    pub node: u32,
}

/// What is known of the machine.
#[derive(Clone, Copy, Debug)]
pub struct Memory<'a> {
    /// Usable memory in frame numbers, in any order; overlaps count once.
    pub usable: &'a [Range<u64>],
    /// Memory affinity; empty when the firmware has no SRAT.
    pub affinity: &'a [Affinity],
    /// Frames that a torus needs at the least.
    pub minimum: u64,
}

/// A range of frames and the torus that owns it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// Frame numbers, end exclusive, never empty in a plan.
    pub frames: Range<u64>,
    /// The proximity domain that the frames are in, if any is known.
    pub node: Option<u32>,
    /// The owner.
    pub torus: TorusId,
}

impl Piece {
    /// Its number of frames.
    pub fn len(&self) -> u64 {
        self.frames.end - self.frames.start
    }

    /// Whether it has no frames; never in a plan.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }
}

/// How memory was divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Division {
    /// By affinity where it is known.
    Affinity,
    /// Equally, because nothing is known of affinity or some torus would have had too little.
    Equal,
}

/// How cores were grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// One torus per NUMA node.
    Nodes,
    /// One torus per last-level cache.
    Caches,
    /// So many groups of equal size up to one core.
    Count(usize),
}

/// Why a machine could not be divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// `tori=0`.
    #[error("tori=0: there must be at least one torus")]
    NoTori,
    /// The machine description has no cores.
    #[error("no usable core")]
    NoCores,
    /// Two cores have the same APIC id.
    #[error("two cores have the APIC id {0}")]
    DuplicateCore(u32),
    /// Each torus needs a core of its own.
    #[error("tori={tori}, but there are only {cores} cores")]
    MoreToriThanCores {
        /// Tori asked for.
        tori: usize,
        /// Cores there are.
        cores: usize,
    },
    /// More than [`MAX_TORI`].
    #[error("tori={0}, but at most {MAX_TORI} tori are supported")]
    TooManyTori(usize),
    /// There is no usable frame.
    #[error("no usable memory")]
    NoMemory,
    /// Even with equal shares a torus would have too little.
    #[error("too little memory: torus {torus} would have {frames} frames and needs {minimum}")]
    TooLittleMemory {
        /// The first torus with too little.
        torus: TorusId,
        /// What it would have.
        frames: u64,
        /// What it needs.
        minimum: u64,
    },
    /// The caller's storage is shorter than [`storage_needed`].
    #[error("the memory map falls into more than {0} pieces")]
    TooManyPieces(usize),
}

/// Which cores and which frames belong to which torus.
#[derive(Debug)]
pub struct Plan<'a> {
    cores: &'a [Core],
    grouping: Grouping,
    tori: usize,
    pieces: &'a [Piece],
    division: Division,
}

/// Pieces that suffice for a memory map of `usable` ranges, `affinity` ranges and `tori` tori.
pub const fn storage_needed(usable: usize, affinity: usize, tori: usize) -> usize {
    usable + 2 * affinity + (affinity + 1) * tori
}

/// Divides a machine. The first of `cores` is the one that boots; they are sorted. `storage` receives the pieces of memory.
///
/// # Errors
/// Every variant of [`PlanError`] by its own description.
pub fn divide<'a>(
    request: Request,
    cores: &'a mut [Core],
    memory: Memory<'_>,
    storage: &'a mut [Piece],
) -> Result<Plan<'a>, PlanError> {
    let boot = *cores.first().ok_or(PlanError::NoCores)?;
    cores.sort_unstable_by_key(|core| core.apic_id);
    if let Some(pair) = cores
        .windows(2)
        .find(|pair| pair[0].apic_id == pair[1].apic_id)
    {
        return Err(PlanError::DuplicateCore(pair[0].apic_id));
    }
    cores.sort_unstable_by_key(|core| {
        let node = (core.node != boot.node, core.node);
        let cache = (core.cache != boot.cache, core.cache);
        (node, cache, core.apic_id != boot.apic_id, core.apic_id)
    });
    let grouping = group(request, cores)?;
    let groups = Groups { cores, grouping };
    let tori = groups.count();

    let mut pieces = Pieces::usable(storage, memory.usable)?;
    pieces.set_nodes(memory.affinity)?;
    let mut division = Division::Affinity;
    if memory.affinity.is_empty() {
        division = Division::Equal;
    } else {
        pieces.share_by_node(&groups)?;
        if pieces.shortest(tori).frames < memory.minimum.max(1) {
            division = Division::Equal;
        }
    }
    if division == Division::Equal {
        pieces.share_equally(tori)?;
    }
    let shortest = pieces.shortest(tori);
    if shortest.frames < memory.minimum.max(1) {
        return Err(PlanError::TooLittleMemory {
            torus: shortest.torus,
            frames: shortest.frames,
            minimum: memory.minimum.max(1),
        });
    }
    Ok(Plan {
        cores,
        grouping,
        tori,
        pieces: pieces.finish(),
        division,
    })
}

/// Decides how the sorted `cores` are grouped.
fn group(request: Request, cores: &[Core]) -> Result<Grouping, PlanError> {
    match request {
        Request::Count(0) => Err(PlanError::NoTori),
        Request::Count(tori) if tori > cores.len() => Err(PlanError::MoreToriThanCores {
            tori,
            cores: cores.len(),
        }),
        Request::Count(tori) if tori > MAX_TORI => Err(PlanError::TooManyTori(tori)),
        Request::Count(tori) => Ok(Grouping::Count(tori)),
        Request::Auto => {
            let useful = |grouping| {
                let count = Groups { cores, grouping }.count();
                (2..=MAX_TORI).contains(&count)
            };
            if cores.iter().all(|core| core.node.is_some()) && useful(Grouping::Nodes) {
                Ok(Grouping::Nodes)
            } else if cores.iter().all(|core| core.cache.is_some()) && useful(Grouping::Caches) {
                Ok(Grouping::Caches)
            } else {
                Ok(Grouping::Count(cores.len().min(2)))
            }
        }
    }
}

/// The sorted cores and how they are cut into groups.
#[derive(Clone, Copy, Debug)]
struct Groups<'a> {
    cores: &'a [Core],
    grouping: Grouping,
}

impl<'a> Groups<'a> {
    fn count(&self) -> usize {
        match self.grouping {
            Grouping::Nodes => self.cores.chunk_by(same_node).count(),
            Grouping::Caches => self.cores.chunk_by(same_cache).count(),
            Grouping::Count(count) => count,
        }
    }

    /// The cores of `torus`; empty if there is no such torus.
    fn of(&self, torus: TorusId) -> &'a [Core] {
        let index = torus.index();
        match self.grouping {
            Grouping::Nodes => self.cores.chunk_by(same_node).nth(index).unwrap_or(&[]),
            Grouping::Caches => self.cores.chunk_by(same_cache).nth(index).unwrap_or(&[]),
            Grouping::Count(count) if index < count => {
                let cut = |index: usize| index * self.cores.len() / count;
                &self.cores[cut(index)..cut(index + 1)]
            }
            Grouping::Count(_) => &[],
        }
    }

    /// Whether `torus` has a core on `node`.
    fn on_node(&self, torus: TorusId, node: u32) -> bool {
        self.of(torus).iter().any(|core| core.node == Some(node))
    }
}

fn same_node(a: &Core, b: &Core) -> bool {
    a.node == b.node
}

fn same_cache(a: &Core, b: &Core) -> bool {
    (a.node, a.cache) == (b.node, b.cache)
}

impl<'a> Plan<'a> {
    /// The number of tori, 1 to [`MAX_TORI`].
    pub fn tori(&self) -> usize {
        self.tori
    }

    /// The tori in order.
    pub fn ids(&self) -> impl Iterator<Item = TorusId> + Clone + use<> {
        TorusId::first(self.tori)
    }

    /// How cores were grouped.
    pub fn grouping(&self) -> Grouping {
        self.grouping
    }

    /// How memory was divided.
    pub fn division(&self) -> Division {
        self.division
    }

    /// The cores of `torus`, never empty for a torus of the plan.
    pub fn cores(&self, torus: TorusId) -> &'a [Core] {
        Groups {
            cores: self.cores,
            grouping: self.grouping,
        }
        .of(torus)
    }

    /// All pieces of memory, sorted by address, disjoint.
    pub fn pieces(&self) -> &'a [Piece] {
        self.pieces
    }

    /// The pieces of memory of `torus`, sorted by address, disjoint.
    pub fn memory(&self, torus: TorusId) -> impl Iterator<Item = &'a Piece> + Clone + use<'a> {
        self.pieces.iter().filter(move |piece| piece.torus == torus)
    }

    /// The number of frames of `torus`.
    pub fn frames(&self, torus: TorusId) -> u64 {
        self.memory(torus).map(Piece::len).sum()
    }
}

#[cfg(test)]
#[expect(
    clippy::single_range_in_vec_init,
    reason = "memory maps of one range are meant"
)]
mod tests;
