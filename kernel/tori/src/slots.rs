//! Slots: virtual ranges for what the kernel's heap holds in several pages, so that it needs no frames in a row.
//!
//! A slot has a power of two of pages; each size has a zone of its own in the torus's area, and takes its slots in order of
//! address. What is freed gives its frames back at once, but cores may remember where they were: the slot is *stale*,
//! and not used again before all cores of the torus have forgotten the kernel's translations, which is done for
//! many slots together. Free slots of a size are linked through the page table's words for their first pages.

use core::ops::Range;
use machine::paging::{KernelTables, Leaf, PhysAddr};
use vm::addr::{Frame, PAGE_SIZE};

/// Bytes of a zone.
const ZONE: u64 = 8 << 30;
/// The largest slot has 2 to this power pages: 1 GiB.
const LARGEST: usize = 18;
/// Stale pages that are worth an interrupt of all cores: 4 MiB.
const STALE: u64 = 1024;
/// Bytes that all zones take.
pub(super) const AREA: u64 = ZONE * (LARGEST as u64 + 1);

/// Where frames come from, and go to.
pub(super) trait Frames {
    /// A frame for a page.
    fn page(&mut self) -> Option<Frame>;
    /// A zeroed frame for a table, which stays.
    fn table(&mut self) -> Option<PhysAddr>;
    /// A page's frame is free.
    fn free(&mut self, frame: Frame);
    /// Called between pages: what programs have the kernel hold may be large.
    fn pause(&self);
    /// Has all cores of the torus forget the kernel's translations.
    fn forget(&self);
}

/// Slots of one size. Addresses; 0 is none.
#[derive(Clone, Copy)]
struct Zone {
    /// The first free slot that no core remembers.
    clean: u64,
    /// The first stale slot, and the last.
    stale: u64,
    last_stale: u64,
    /// The first slot that was never used.
    fresh: u64,
}

/// The slots of a torus.
pub(super) struct Slots {
    /// Where the first zone begins.
    base: u64,
    zones: [Zone; LARGEST + 1],
    /// Pages of all stale slots.
    stale: u64,
}

impl Slots {
    /// None in use, in the area from `base` on.
    pub(super) const fn new(base: u64) -> Self {
        let mut zones = [Zone {
            clean: 0,
            stale: 0,
            last_stale: 0,
            fresh: 0,
        }; LARGEST + 1];
        let mut order = 0;
        while order <= LARGEST {
            zones[order].fresh = base + ZONE * order as u64;
            order += 1;
        }
        Self {
            base,
            zones,
            stale: 0,
        }
    }

    /// Maps so many pages; answers with the address of the first. None when there is no frame left, or no slot that large.
    pub(super) fn allocate(&mut self, pages: u64, frames: &mut impl Frames) -> Option<u64> {
        let slot = self.take(order(pages), frames)?;
        if fill(slot, 0..pages, frames) {
            return Some(slot);
        }
        empty(slot, 0..pages, frames);
        self.retire(slot, order(pages));
        None
    }

    /// Frees the slot of so many pages.
    pub(super) fn free(&mut self, slot: u64, pages: u64, frames: &mut impl Frames) {
        // A growth in vain may have left more.
        let order = order(pages);
        empty(slot, 0..1 << order, frames);
        self.retire(slot, order);
    }

    /// Gives what lies in a slot another number of pages, without a copy; answers with where it is then. None as for
    /// [`Slots::allocate`]: it stays as it is.
    pub(super) fn resize(
        &mut self,
        slot: u64,
        from: u64,
        to: u64,
        frames: &mut impl Frames,
    ) -> Option<u64> {
        // Pages that are unmapped at the end of a slot could not be mapped again before all cores have forgotten them.
        if from <= to && order(from) == order(to) {
            return fill(slot, from..to, frames).then_some(slot);
        }
        let new = self.take(order(to), frames)?;
        let moved = from.min(to);
        if !tables(new, moved, frames) || !fill(new, moved..to, frames) {
            empty(new, moved..to, frames);
            self.retire(new, order(to));
            return None;
        }
        for (old, new) in pages(slot, 0..moved).zip(pages(new, 0..moved)) {
            if let (Some(old), Some(new)) = (leaf(old), leaf(new))
                && let Some(frame) = old.frame()
            {
                new.map(frame);
                old.keep(0);
            }
            frames.pause();
        }
        let old = order(from);
        empty(slot, moved..1 << old, frames);
        self.retire(slot, old);
        Some(new)
    }

    /// A slot of 2 to the power `order` pages, the table for its first page there.
    fn take(&mut self, order: usize, frames: &mut impl Frames) -> Option<u64> {
        if self.zones.get(order)?.clean == 0 && self.stale >= STALE {
            self.clean(frames);
        }
        let zone = &mut self.zones[order];
        if zone.clean != 0 {
            let slot = zone.clean;
            zone.clean = next(slot);
            link(slot, 0);
            return Some(slot);
        }
        let slot = zone.fresh;
        if slot == self.base + ZONE * (order as u64 + 1) || !tables(slot, 1, frames) {
            return None;
        }
        zone.fresh += (PAGE_SIZE as u64) << order;
        Some(slot)
    }

    /// A slot without pages becomes stale.
    fn retire(&mut self, slot: u64, order: usize) {
        let zone = &mut self.zones[order];
        link(slot, zone.stale);
        if zone.stale == 0 {
            zone.last_stale = slot;
        }
        zone.stale = slot;
        self.stale += 1 << order;
    }

    /// Has all cores forget; what was stale can be used.
    fn clean(&mut self, frames: &impl Frames) {
        frames.forget();
        for zone in self.zones.iter_mut().filter(|zone| zone.stale != 0) {
            link(zone.last_stale, zone.clean);
            zone.clean = zone.stale;
            zone.stale = 0;
        }
        self.stale = 0;
    }
}

/// Which zone has slots for so many pages.
fn order(pages: u64) -> usize {
    pages.next_power_of_two().trailing_zeros() as usize
}

/// Addresses of some of a slot's pages.
fn pages(slot: u64, pages: Range<u64>) -> impl Iterator<Item = u64> {
    pages.map(move |index| slot + index * PAGE_SIZE as u64)
}

/// The table's word for a page, if there is a table.
fn leaf(page: u64) -> Option<Leaf> {
    KernelTables::current().leaf(page, &mut || None).ok()
}

/// Makes tables for the first pages of a slot.
fn tables(slot: u64, count: u64, frames: &mut impl Frames) -> bool {
    let tables = KernelTables::current();
    pages(slot, 0..count).all(|page| {
        frames.pause();
        tables.leaf(page, &mut || frames.table()).is_ok()
    })
}

/// Maps those of the pages that are not mapped; false when there are no frames: some are mapped then.
fn fill(slot: u64, range: Range<u64>, frames: &mut impl Frames) -> bool {
    let tables = KernelTables::current();
    pages(slot, range).all(|page| {
        let Ok(leaf) = tables.leaf(page, &mut || frames.table()) else {
            return false;
        };
        if leaf.frame().is_none() {
            let Some(frame) = frames.page() else {
                return false;
            };
            leaf.map(frame);
        }
        frames.pause();
        true
    })
}

/// Frees the frames of pages, up to the first that has none.
fn empty(slot: u64, range: Range<u64>, frames: &mut impl Frames) {
    for page in pages(slot, range) {
        let Some((leaf, frame)) = leaf(page).and_then(|leaf| Some((leaf, leaf.frame()?))) else {
            return;
        };
        leaf.keep(0);
        frames.free(frame);
        frames.pause();
    }
}

/// Links a slot without pages to another one.
fn link(slot: u64, next: u64) {
    if let Some(leaf) = leaf(slot) {
        leaf.keep(next / PAGE_SIZE as u64);
    }
}

/// Which slot a slot is linked to.
fn next(slot: u64) -> u64 {
    leaf(slot).map_or(0, |leaf| leaf.kept() * PAGE_SIZE as u64)
}
