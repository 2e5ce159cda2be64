//! Building one torus out of the memory that the plan gives it.

use super::failing::Failing;
use super::heap::{self, Heap};
use super::member::Member;
use super::part::{Maker, Parts};
use super::pool::Pool;
use super::reserve::Reservations;
use super::{TORI, Torus};
use crate::rings::probe::Tally;
use crate::rings::{self, Door, Exit, Rings};
use core::ops::Range;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use crossbeam_utils::CachePadded;
use machine::CoreIndex;
use machine::console::{self, Backlog};
use machine::cpu::{self, Cpu};
use machine::paging::{self, KernelTables, Kind};
use machine::{CoreStacks, STACK_STRIDE};
use sync::Lock;
use thiserror::Error;
use torus::TorusId;
use vm::addr::{Frame, FrameRange, PAGE_SIZE, PhysAddr};
use vm::frames::{FrameMeta, FrameTable};
use vm::pool::{FramePool, PoolError};

/// Why a torus could not be built.
#[derive(Clone, Copy, Debug, Error)]
pub enum BuildError {
    /// Its memory is too small for its own tables.
    #[error("too little memory for the tables of torus {0}")]
    Memory(TorusId),
    /// The kernel has not named a layer's part of it.
    #[error("a part of torus {0} is missing")]
    Part(TorusId),
    /// The pool refused its storage.
    #[error("torus {0}: {1}")]
    Pool(TorusId, PoolError),
}

/// Memory that is taken out of a range of frames before there is a pool.
struct Carver {
    torus: TorusId,
    next: u64,
    end: u64,
}

impl Carver {
    /// `count` values in memory of their own, for ever.
    fn values<T>(
        &mut self,
        count: usize,
        value: impl Fn() -> T,
    ) -> Result<&'static mut [T], BuildError> {
        let memory = self.zeroed::<T>(count)?;
        // SAFETY: K13, memory for so many values, aligned to a page and nobody else's.
        unsafe {
            for index in 0..count {
                memory.add(index).write(value());
            }
            Ok(core::slice::from_raw_parts_mut(memory, count))
        }
    }

    /// `bytes` of zeroed memory, starting at a frame.
    fn take(&mut self, bytes: usize) -> Result<PhysAddr, BuildError> {
        let frames = bytes.div_ceil(PAGE_SIZE) as u64;
        if self.end - self.next < frames {
            return Err(BuildError::Memory(self.torus));
        }
        let at = Frame(self.next).start();
        self.next += frames;
        // SAFETY: K13, free memory of this torus, which nobody uses yet.
        unsafe { paging::phys_to_virt(at).write_bytes(0, frames as usize * PAGE_SIZE) };
        Ok(at)
    }

    /// Zeroed memory for `count` values for which zero bytes are valid.
    fn zeroed<T>(&mut self, count: usize) -> Result<*mut T, BuildError> {
        Ok(paging::phys_to_virt(self.take(count * size_of::<T>())?).cast())
    }
}

/// What a torus gets, in frame numbers.
pub(super) struct Share<'a> {
    pub(super) id: TorusId,
    /// How many tori there are.
    pub(super) tori: usize,
    /// How many processes they can have in all.
    pub(super) processes: usize,
    /// Numbers and APIC ids of its cores.
    pub(super) cores: &'a [(CoreIndex, u32)],
    /// What layers above keep of each core.
    pub(super) parts: &'a [cpu::Maker],
    /// What layers above keep of the torus.
    pub(super) torus_parts: &'a [Maker],
    /// Frames that are free now.
    pub(super) free: &'a [Range<u64>],
    /// Frames that will be free when the machine is up.
    pub(super) later: &'a [Range<u64>],
}

/// Builds and publishes a torus; its cores' blocks are ready, its cores do not run yet.
pub(super) fn build(share: &Share<'_>) -> Result<&'static Torus, BuildError> {
    let id = share.id;
    let none = BuildError::Memory(id);
    let ranges = || share.free.iter().chain(share.later);
    let first = ranges().map(|range| range.start).min().ok_or(none)?;
    let last = ranges().map(|range| range.end).max().ok_or(none)?;
    let whole = FrameRange::new(Frame(first), Frame(last));
    let largest = share
        .free
        .iter()
        .max_by_key(|range| range.end - range.start)
        .ok_or(none)?;
    let mut carver = Carver {
        torus: id,
        next: largest.start,
        end: largest.end,
    };

    let metas = carver.zeroed::<FrameMeta>((last - first) as usize)?;
    let words = FramePool::storage_words(whole);
    let bitmap = carver.zeroed::<u64>(words)?;
    let place = carver.zeroed::<Torus>(1)?;
    let mut parts = Parts::new();
    let place_of_rings = carver.zeroed::<Rings>(1)?;
    let rings = rings(&mut carver, share)?;
    // SAFETY: K13, the place is large enough, aligned to a page and nobody else's.
    unsafe {
        place_of_rings.write(rings);
        parts.set(&*place_of_rings);
    }
    let lines = carver.values(console::BACKLOG, || 0)?;
    let log = carver.values(1, || Backlog::new(&mut []))?;
    log[0] = Backlog::new(lines);
    let log = &log[0];
    let cpus = carver.zeroed::<AtomicPtr<Cpu>>(share.cores.len())?;
    for maker in share.torus_parts {
        let memory = carver.zeroed::<u8>(maker.bytes)?;
        // SAFETY: K13, so many bytes from the start of a frame, and nobody else's.
        unsafe { maker.make(memory, id, share.tori, &mut parts) };
    }
    if !parts.are_whole() {
        return Err(BuildError::Part(id));
    }
    let members = carver.zeroed::<CachePadded<Member>>(share.cores.len())?;
    let zero = Frame::containing(carver.take(PAGE_SIZE)?);
    // SAFETY: K13, zeroed memory of the right size for as long as the machine runs, and nobody else's.
    let (metas, bitmap, cpus) = unsafe {
        (
            core::slice::from_raw_parts(metas, (last - first) as usize),
            core::slice::from_raw_parts_mut(bitmap, words),
            core::slice::from_raw_parts(cpus, share.cores.len()),
        )
    };
    for (index, (core, apic_id)) in share.cores.iter().enumerate() {
        let block = core_block(&mut carver, share, index, *core, *apic_id)?;
        cpus[index].store(block, Ordering::Relaxed);
    }
    let frames = FrameTable::new(Frame(first), metas);
    let mut pool = FramePool::new(whole, bitmap).map_err(|error| BuildError::Pool(id, error))?;
    take_out(&mut pool, &frames, whole, share, largest.start..carver.next);
    // SAFETY: K13, the place is large enough, aligned to a page and nobody else's.
    let torus: &'static Torus = unsafe {
        place.write(Torus {
            id,
            cpus,
            frames,
            zero,
            pool: Pool::new(pool),
            reservations: Reservations::new(),
            failing: Failing::new(),
            heap: Heap::new(id),
            parts,
            usable: AtomicU64::new(0),
        });
        &*place
    };
    for (index, cpu) in cpus.iter().enumerate() {
        // SAFETY: K3, the core does not run with this block yet.
        let cpu = unsafe { &mut *cpu.load(Ordering::Relaxed) };
        cpu.join(id, index, log);
        // SAFETY: K13, memory for so many members, and nobody else's.
        let member = unsafe {
            members
                .add(index)
                .write(CachePadded::new(Member::new(torus)));
            &*members.add(index)
        };
        member.frames.settle(whole, index, cpus.len());
        cpu.set_part::<Member>(member);
    }
    TORI[id.index()].store(place, Ordering::Release);
    Ok(torus)
}

/// Rings to a torus, and room for its ends of all rings.
fn rings(carver: &mut Carver, share: &Share<'_>) -> Result<Rings, BuildError> {
    let tori = share.tori;
    let door = carver.values(1, Door::new)?;
    let bounds = rings::bounds(share.cores.len(), share.processes);
    let places = carver.values(bounds.blocks(), ::torus::outbox::Block::default)?;
    let exits = carver.values(tori, || Lock::new(Exit::new()))?;
    let inlets = carver.values(tori, || None)?;
    let tallies = carver.values(tori, Tally::default)?;
    let rings = carver.zeroed(tori)?;
    // SAFETY: K28, zeroed memory for so many rings, aligned to a page and nobody else's.
    let rings = unsafe { core::slice::from_raw_parts_mut(rings, tori) };
    let places = (places, bounds);
    Ok(Rings::new(&door[0], rings, places, exits, inlets, tallies))
}

/// Block and stacks of one core.
fn core_block(
    carver: &mut Carver,
    share: &Share<'_>,
    index: usize,
    core: CoreIndex,
    apic_id: u32,
) -> Result<*mut Cpu, BuildError> {
    let block = carver.zeroed::<Cpu>(1)?;
    let base = heap::stacks(share.id) + index as u64 * STACK_STRIDE;
    let tables = KernelTables::current();
    for (start, pages) in CoreStacks::ranges(base) {
        let phys = carver.take(pages as usize * PAGE_SIZE)?;
        let mut frames = || carver.take(PAGE_SIZE).ok();
        tables
            .map(
                start,
                phys.0,
                pages * PAGE_SIZE as u64,
                Kind::Data,
                &mut frames,
            )
            .map_err(|_| BuildError::Memory(share.id))?;
    }
    // SAFETY: K3, the block's memory is large enough and nobody else's.
    let cpu = unsafe {
        block.write(Cpu::new(core, apic_id, CoreStacks::at(base)));
        &mut *block
    };
    for maker in share.parts {
        let memory = carver.zeroed::<u8>(maker.bytes)?;
        // SAFETY: K3, as above: so many bytes from the start of a frame.
        unsafe { maker.make(memory, cpu) };
    }
    Ok(block)
}

/// Reserves all of `whole` that is not free: holes, what was carved, and what is free only later.
fn take_out(
    pool: &mut FramePool<'_>,
    frames: &FrameTable<'_>,
    whole: FrameRange,
    share: &Share<'_>,
    carved: Range<u64>,
) {
    let mut at = whole.start.0;
    while at < whole.end.0 {
        // The next range that is not a hole, by address.
        let next = share
            .free
            .iter()
            .chain(share.later)
            .filter(|range| range.end > at)
            .min_by_key(|range| range.start);
        let Some(next) = next else { break };
        if next.start > at {
            let hole = FrameRange::new(Frame(at), Frame(next.start));
            pool.reserve(hole);
            frames.reserve(hole);
        }
        at = next.end;
    }
    for range in share.later {
        pool.reserve(FrameRange::new(Frame(range.start), Frame(range.end)));
    }
    let carved = FrameRange::new(Frame(carved.start), Frame(carved.end));
    pool.reserve(carved);
    frames.reserve(carved);
}
