//! Dividing the machine: from cores, memory map and affinity to tori that run.

use super::Maker;
use super::build::{BuildError, Share, build};
use super::{COUNT, Torus};
use braid_firmware::acpi::srat::Srat;
use braid_firmware::cmdline;
use braid_firmware::memory::MemoryKind;
use core::ops::Range;
use core::sync::atomic::Ordering;
use machine::CoreIndex;
use machine::boot::BootInfo;
use machine::boot::early::{EarlyFrames, List};
use machine::cpu;
use thiserror::Error;
use torus::plan::{self, Affinity, Core, Memory, Piece, Plan, PlanError, Request};
use torus::{MAX_TORI, TorusId};
use vm::addr::{Frame, PAGE_SIZE};

/// Frames that a torus needs to be of any use: 8 MiB.
const MINIMUM: u64 = 2048;

/// Why the machine could not be divided.
#[derive(Clone, Copy, Debug, Error)]
pub enum DivideError {
    /// There is no plan.
    #[error("{0}")]
    Plan(PlanError),
    /// A torus could not be built.
    #[error("{0}")]
    Build(BuildError),
    /// There is no room for the division itself.
    #[error("too little memory to divide the machine")]
    NoRoom,
}

type Ranges = List<Range<u64>>;

/// What is being divided.
pub struct Early<'a> {
    /// What the loader said.
    pub info: &'a BootInfo,
    /// What booting has taken of memory.
    pub frames: &'a mut EarlyFrames,
    /// Number and APIC id of the cores that run.
    pub cores: &'a [(CoreIndex, u32)],
    /// What layers above keep of each core.
    pub parts: &'a [cpu::Maker],
    /// What layers above keep of each torus.
    pub torus_parts: &'a [Maker],
    /// The most processes that so many frames have room for.
    pub most_processes: fn(u64) -> u64,
    /// Firmware's affinity table.
    pub srat: Option<Srat<'a>>,
    /// Low bits of an APIC id that tell cores with a common last-level cache apart, where there is one.
    pub cache_bits: Option<u32>,
}

/// Memory by when it is free, in frames.
struct Free {
    now: Ranges,
    later: Ranges,
}

/// Lists with room for whatever this machine can need: all of them are taken before memory is counted.
struct Room {
    free: Free,
    usable: Ranges,
    affinity: List<Affinity>,
    cores: List<Core>,
    pieces: List<Piece>,
    /// Parts of one torus.
    part: Free,
    part_cores: List<(CoreIndex, u32)>,
    reclaim: List<(&'static Torus, Range<u64>)>,
}

impl Room {
    fn new(early: &mut Early<'_>) -> Option<Self> {
        let affinity = early.srat.map_or(0, |srat| srat.memory().count());
        // The memory that booting took cuts one range in two; temporary blocks are a few more.
        let ranges = early.info.memory.len() + 16;
        let pieces = plan::storage_needed(2 * ranges, affinity, MAX_TORI);
        // Each edge of a piece cuts at most one range.
        let parts = ranges + pieces;
        let cores = early.cores.len();
        let frames = &mut *early.frames;
        Some(Self {
            free: Free {
                now: frames.list(ranges)?,
                later: frames.list(ranges)?,
            },
            usable: frames.list(2 * ranges)?,
            affinity: frames.list(affinity)?,
            cores: frames.list(cores)?,
            pieces: frames.list(pieces)?,
            part: Free {
                now: frames.list(parts)?,
                later: frames.list(parts)?,
            },
            part_cores: frames.list(cores)?,
            reclaim: frames.list(parts)?,
        })
    }
}

/// Puts values into a list that has room for them.
fn fill<T>(list: &mut List<T>, values: impl Iterator<Item = T>) -> Result<(), DivideError> {
    for value in values {
        if !list.push(value) {
            return Err(DivideError::NoRoom);
        }
    }
    Ok(())
}

/// Divides the machine. Afterwards every core's block is ready.
///
/// # Errors
/// [`DivideError`].
pub fn divide(mut early: Early<'_>) -> Result<Reclaim, DivideError> {
    let mut room = Room::new(&mut early).ok_or(DivideError::NoRoom)?;
    free_memory(&early, &mut room.free)?;
    fill(&mut room.cores, cores(&early))?;
    fill(&mut room.affinity, affinity(&early))?;
    let (now, later) = (room.free.now.as_slice(), room.free.later.as_slice());
    fill(&mut room.usable, now.iter().chain(later).cloned())?;
    while room.pieces.push(Piece::default()) {}
    let memory = Memory {
        usable: room.usable.as_slice(),
        affinity: room.affinity.as_slice(),
        minimum: MINIMUM,
    };
    let request = match early.info.command_line.tori {
        cmdline::Tori::Auto => Request::Auto,
        cmdline::Tori::Count(count) => Request::Count(count),
    };
    let (cores, pieces) = (room.cores.as_mut_slice(), room.pieces.as_mut_slice());
    let plan = plan::divide(request, cores, memory, pieces).map_err(DivideError::Plan)?;
    let frames: u64 = plan.ids().map(|id| plan.frames(id)).sum();
    let processes = (early.most_processes)(frames) as usize;
    for id in plan.ids() {
        part(&plan, now, id, &mut room.part.now)?;
        part(&plan, later, id, &mut room.part.later)?;
        room.part_cores.clear();
        let here = |apic_id| plan.cores(id).iter().any(|core| core.apic_id == apic_id);
        let own = early.cores.iter().filter(|(_, apic_id)| here(*apic_id));
        fill(&mut room.part_cores, own.copied())?;
        let torus = build(&Share {
            id,
            tori: plan.ids().count(),
            processes,
            cores: room.part_cores.as_slice(),
            parts: early.parts,
            torus_parts: early.torus_parts,
            free: room.part.now.as_slice(),
            later: room.part.later.as_slice(),
        })
        .map_err(DivideError::Build)?;
        COUNT.fetch_add(1, Ordering::Relaxed);
        let later = room.part.later.as_slice().iter().cloned();
        fill(&mut room.reclaim, later.map(|range| (torus, range)))?;
        report(torus, &plan);
    }
    crate::rings::connect();
    Ok(Reclaim(room.reclaim))
}

/// The parts of `ranges` that the plan gives to a torus.
fn part(
    plan: &Plan<'_>,
    ranges: &[Range<u64>],
    id: TorusId,
    parts: &mut Ranges,
) -> Result<(), DivideError> {
    parts.clear();
    let both = |piece: &Piece, range: &Range<u64>| {
        piece.frames.start.max(range.start)..piece.frames.end.min(range.end)
    };
    let all = plan
        .memory(id)
        .flat_map(|piece| ranges.iter().map(move |range| both(piece, range)));
    fill(parts, all.filter(|range| !range.is_empty()))
}

fn report(torus: &Torus, plan: &Plan<'_>) {
    log::info!(
        "torus {}: {} cores, {} MiB of memory, {} frames available",
        torus.id,
        torus.cores(),
        (plan.frames(torus.id) * PAGE_SIZE as u64) >> 20,
        torus.available()
    );
    for piece in plan.memory(torus.id) {
        let byte = |frame: u64| frame * PAGE_SIZE as u64;
        let (start, end) = (byte(piece.frames.start), byte(piece.frames.end));
        match piece.node {
            Some(node) => log::debug!("torus {}: {start:#x} to {end:#x}, node {node}", torus.id),
            None => log::debug!("torus {}: {start:#x} to {end:#x}", torus.id),
        }
    }
}

/// The memory map's usable ranges without what booting took, and what is free later.
fn free_memory(early: &Early<'_>, free: &mut Free) -> Result<(), DivideError> {
    let page = PAGE_SIZE as u64;
    let add = |ranges: &mut Ranges, range: Range<u64>| {
        let frames = range.start.div_ceil(page)..range.end / page;
        fill(
            ranges,
            Some(frames).filter(|frames| !frames.is_empty()).into_iter(),
        )
    };
    let taken = early.frames.taken();
    for range in early.info.memory {
        let bytes = range.start..range.end();
        match range.kind {
            MemoryKind::Usable if bytes.contains(&taken.start) => {
                add(&mut free.now, bytes.start..taken.start)?;
                add(&mut free.now, taken.end..bytes.end)?;
            }
            MemoryKind::Usable => add(&mut free.now, bytes)?,
            MemoryKind::Loader => add(&mut free.later, bytes)?,
            _ => {}
        }
    }
    for block in early.frames.temporary() {
        add(&mut free.later, block.clone())?;
    }
    Ok(())
}

fn cores(early: &Early<'_>) -> impl Iterator<Item = Core> {
    let node = |apic_id| {
        let mut nodes = early.srat?.cores();
        nodes
            .find(|core| core.apic_id == apic_id)
            .map(|core| core.node)
    };
    early.cores.iter().map(move |(_, apic_id)| Core {
        apic_id: *apic_id,
        node: node(*apic_id),
        cache: early
            .cache_bits
            .map(|bits| apic_id.checked_shr(bits).unwrap_or(0)),
    })
}

fn affinity(early: &Early<'_>) -> impl Iterator<Item = Affinity> {
    let page = PAGE_SIZE as u64;
    let memory = early.srat.into_iter().flat_map(|srat| srat.memory());
    memory.map(move |memory| Affinity {
        frames: memory.start / page..(memory.start + memory.len) / page,
        node: memory.node,
    })
}

/// Memory that was needed to boot and whose it is then: the loader's, the cores' interim blocks, and this list.
pub struct Reclaim(List<(&'static Torus, Range<u64>)>);

impl Reclaim {
    /// Gives it to its tori; answers how many frames.
    ///
    /// # Safety
    /// Nothing of it is used any more. Nothing is allocated meanwhile, so that the list lasts to its end.
    pub unsafe fn run(self) -> u64 {
        let mut count = 0;
        for (torus, range) in self.0.as_slice() {
            let mut pool = torus.pool.lock();
            for frame in range.clone() {
                match pool.free(Frame(frame)) {
                    Ok(()) => count += 1,
                    Err(error) => log::warn!("torus {}: {error}", torus.id),
                }
            }
        }
        count
    }
}
