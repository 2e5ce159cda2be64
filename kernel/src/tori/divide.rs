//! Dividing the machine: from cores, memory map and affinity to tori that run.

use super::build::{BuildError, Share, build};
use super::{COUNT, Torus};
use crate::arch::cpu::CoreIndex;
use crate::boot::early::EarlyFrames;
use crate::boot::{BootInfo, MemoryKind};
use braid_firmware::acpi::srat::Srat;
use braid_firmware::cmdline;
use core::ops::Range;
use core::sync::atomic::Ordering;
use heapless::Vec;
use thiserror::Error;
use torus::TorusId;
use torus::plan::{self, Affinity, Core, Memory, Piece, Plan, PlanError, Request};
use vm::addr::{Frame, PAGE_SIZE};

/// Ranges of free memory that are told apart at most; smaller ones beyond are lost, with a warning.
const MAX_RANGES: usize = 256;
/// Memory affinity ranges at most.
const MAX_AFFINITY: usize = 64;
/// Pieces of memory at most.
const MAX_PIECES: usize = 1024;
/// Cores at most.
const MAX_CORES: usize = crate::arch::cpu::MAX_CORES;
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
}

type Ranges = Vec<Range<u64>, MAX_RANGES>;

/// What is being divided.
pub struct Early<'a> {
    /// What the loader said.
    pub info: &'a BootInfo,
    /// What booting has taken of memory.
    pub frames: &'a EarlyFrames,
    /// Number and APIC id of the cores that run.
    pub cores: &'a [(CoreIndex, u32)],
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

/// Divides the machine. Afterwards every core's block is ready.
///
/// # Errors
/// [`DivideError`].
pub fn divide(early: &Early<'_>) -> Result<Reclaim, DivideError> {
    let free = free_memory(early);
    let mut cores = cores(early);
    let affinity = affinity(early);
    let mut usable = Vec::<Range<u64>, { 2 * MAX_RANGES }>::new();
    usable.extend(free.now.iter().chain(&free.later).cloned());
    let memory = Memory {
        usable: &usable,
        affinity: &affinity,
        minimum: MINIMUM,
    };
    let request = match early.info.command_line.tori {
        cmdline::Tori::Auto => Request::Auto,
        cmdline::Tori::Count(count) => Request::Count(count),
    };
    let mut storage = Vec::<Piece, MAX_PIECES>::new();
    let needed = plan::storage_needed(usable.len(), affinity.len(), torus::MAX_TORI);
    // At most as many as there is room for.
    let _ = storage.resize_default(needed.min(MAX_PIECES));
    let plan =
        plan::divide(request, &mut cores, memory, &mut storage).map_err(DivideError::Plan)?;
    let mut reclaim = Reclaim(Vec::new());
    for id in plan.ids() {
        let later = part(&plan, &free.later, id);
        let torus = build_one(early, &plan, id, &part(&plan, &free.now, id), &later)
            .map_err(DivideError::Build)?;
        COUNT.fetch_add(1, Ordering::Relaxed);
        // As long as the lists of ranges, of which there are at most two for each.
        reclaim.0.extend(
            later
                .into_iter()
                .map(|range| (torus, range))
                .take(MAX_RANGES),
        );
        report(torus, &plan);
    }
    Ok(reclaim)
}

/// The parts of `ranges` that the plan gives to a torus.
fn part(plan: &Plan<'_>, ranges: &Ranges, id: TorusId) -> Ranges {
    let mut parts = Ranges::new();
    for piece in plan.memory(id) {
        for range in ranges {
            let both = piece.frames.start.max(range.start)..piece.frames.end.min(range.end);
            if !both.is_empty() && parts.push(both).is_err() {
                log::warn!(
                    "torus {id} has more than {MAX_RANGES} ranges of memory; some are not used"
                );
            }
        }
    }
    parts
}

fn build_one(
    early: &Early<'_>,
    plan: &Plan<'_>,
    id: TorusId,
    free: &Ranges,
    later: &Ranges,
) -> Result<&'static Torus, BuildError> {
    let mut cores = Vec::<(CoreIndex, u32), MAX_CORES>::new();
    for core in plan.cores(id) {
        cores.extend(
            early
                .cores
                .iter()
                .filter(|(_, apic_id)| *apic_id == core.apic_id)
                .copied(),
        );
    }
    build(&Share {
        id,
        cores: &cores,
        free,
        later,
    })
}

fn report(torus: &Torus, plan: &Plan<'_>) {
    log::info!(
        "torus {}: {} cores, {} MiB of memory, {} frames available",
        torus.id,
        torus.cores(),
        (plan.frames(torus.id) * PAGE_SIZE as u64) >> 20,
        torus.available()
    );
}

/// The memory map's usable ranges without what booting took, and what is free later.
fn free_memory(early: &Early<'_>) -> Free {
    let page = PAGE_SIZE as u64;
    let mut free = Free {
        now: Ranges::new(),
        later: Ranges::new(),
    };
    let mut lost = 0;
    let mut add = |ranges: &mut Ranges, range: Range<u64>| {
        let frames = range.start.div_ceil(page)..range.end / page;
        if !frames.is_empty() && ranges.push(frames.clone()).is_err() {
            lost += frames.end - frames.start;
        }
    };
    for range in early.info.memory {
        let bytes = range.start.0..range.start.0 + range.len;
        match range.kind {
            MemoryKind::Usable => {
                let taken = early.frames.taken();
                if bytes.contains(&taken.start) && !taken.is_empty() {
                    add(&mut free.now, bytes.start..taken.start);
                    add(&mut free.now, taken.end..bytes.end);
                } else {
                    add(&mut free.now, bytes);
                }
            }
            MemoryKind::Loader => add(&mut free.later, bytes),
            _ => {}
        }
    }
    add(&mut free.later, early.frames.temporary());
    if lost > 0 {
        log::warn!("the memory map has too many ranges: {lost} frames are not used");
    }
    free
}

fn cores(early: &Early<'_>) -> Vec<Core, MAX_CORES> {
    let node = |apic_id| {
        let mut nodes = early.srat?.cores();
        nodes
            .find(|core| core.apic_id == apic_id)
            .map(|core| core.node)
    };
    let core = |(_, apic_id): &(CoreIndex, u32)| Core {
        apic_id: *apic_id,
        node: node(*apic_id),
        cache: early
            .cache_bits
            .map(|bits| apic_id.checked_shr(bits).unwrap_or(0)),
    };
    early.cores.iter().map(core).take(MAX_CORES).collect()
}

fn affinity(early: &Early<'_>) -> Vec<Affinity, MAX_AFFINITY> {
    let page = PAGE_SIZE as u64;
    let Some(srat) = early.srat else {
        return Vec::new();
    };
    let range = |memory: braid_firmware::acpi::srat::MemoryAffinity| Affinity {
        frames: memory.start / page..(memory.start + memory.len) / page,
        node: memory.node,
    };
    srat.memory().map(range).take(MAX_AFFINITY).collect()
}

/// Memory that was needed to boot and whose it is then: the loader's, and the cores' interim blocks.
pub struct Reclaim(Vec<(&'static Torus, Range<u64>), { 2 * MAX_RANGES }>);

impl Reclaim {
    /// Gives it to its tori; answers how many frames.
    ///
    /// # Safety
    /// Nothing of it is used any more.
    pub unsafe fn run(self) -> u64 {
        let mut count = 0;
        for (torus, range) in self.0 {
            let mut pool = torus.pool.lock();
            for frame in range {
                match pool.free(Frame(frame)) {
                    Ok(()) => count += 1,
                    Err(error) => log::warn!("torus {}: {error}", torus.id),
                }
            }
        }
        count
    }
}
