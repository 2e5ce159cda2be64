//! Reservations of heap memory: what cannot be allocated fallibly is reserved first ([`fallible`]).
//!
//! A reservation keeps frames in the pool until whoever has it is done, and it counts: nobody else gets them. While there are others, the heap
//! grows by those. Once it has drawn a frame that is reserved, only cores that hold a reservation are served, so that what
//! one of them has made the heap grow by is not used up by somebody who has reserved nothing.
//!
//! Each core keeps a few frames set aside, its *credit*, and takes its reservations out of that: only who needs more locks the pool.

use super::{Torus, above, poison};
use core::cell::Cell;
use core::sync::atomic::{AtomicU64, Ordering};
use fallible::NoMemory;
use machine::cpu;
use vm::addr::PAGE_SIZE;
use vm::slab;

/// Times that a block may be larger than it was asked for: sizes are rounded up to classes.
const ROUNDED: usize = 2;
/// Tables that map what the heap grows by.
const TABLES: usize = 3;
/// Pages below a leaf table.
const PAGES_PER_TABLE: usize = 512;

/// Frames that a core has set aside beside a reservation, so that the next ones need no lock.
const CREDIT: u64 = 32;
/// It does so while this part of what is free is more than that.
const PLENTY: u64 = 256;

/// A torus's account of its reservations, in frames; changed with the pool locked.
pub(super) struct Reservations {
    /// Those that are held, and what cores keep for later ones.
    held: AtomicU64,
    /// What of them the heap has drawn.
    drawn: AtomicU64,
}

impl Reservations {
    pub(super) const fn new() -> Self {
        Self {
            held: AtomicU64::new(0),
            drawn: AtomicU64::new(0),
        }
    }

    /// Frames that stay in the pool for those who hold reservations.
    pub(super) fn kept(&self) -> u64 {
        let held = self.held.load(Ordering::Relaxed);
        held.saturating_sub(self.drawn.load(Ordering::Relaxed))
    }

    /// The heap has drawn frames that are reserved.
    pub(super) fn are_drawn(&self) -> bool {
        self.drawn.load(Ordering::Relaxed) > 0
    }

    /// The heap draws one of those that are kept.
    pub(super) fn draw(&self) {
        self.drawn.fetch_add(1, Ordering::Relaxed);
    }
}

/// Frames for `blocks` allocations of `bytes` in all.
fn frames(blocks: usize, bytes: usize) -> Option<u64> {
    // Each class of small sizes may have the heap take a frame that is used in part.
    let pages = bytes.checked_mul(ROUNDED)?.div_ceil(PAGE_SIZE) + blocks.min(slab::CLASSES);
    Some((pages + pages / PAGES_PER_TABLE + TABLES) as u64)
}

/// Set beside the frames that a core has reserved while it insists.
const INSISTS: u64 = 1 << 63;

/// Whether this core holds a reservation: it may draw what is kept for that.
pub(super) fn holds() -> bool {
    cpu::carried().get() & !INSISTS > 0
}

/// Whether this core insists: it may draw whatever is not reserved.
pub(super) fn insists() -> bool {
    cpu::carried().get() & INSISTS > 0
}

/// The heap of the torus that the executing core is of.
pub(super) struct OwnHeap;

impl fallible::Reserve for OwnHeap {
    #[inline]
    fn reserve(&self, blocks: usize, bytes: usize) -> Result<u64, NoMemory> {
        let reserved = cpu::carried();
        // A core that holds a reservation has made it for what it needs now.
        let before = reserved.get();
        if before & !INSISTS > 0 {
            return Ok(before);
        }
        let frames = frames(blocks, bytes).ok_or(NoMemory)?;
        let torus = super::here();
        if before == 0 && (torus.is_closed() || torus.fails()) {
            return Err(NoMemory);
        }
        let credit = &super::own().credit;
        if credit.get() < frames {
            set_aside(torus, credit, frames)?;
        }
        credit.set(credit.get() - frames);
        reserved.set(before | frames);
        poison::reserved();
        Ok(before)
    }

    fn insist(&self) -> u64 {
        let reserved = cpu::carried();
        let before = reserved.get();
        reserved.set(before | INSISTS);
        before
    }

    #[inline]
    fn release(&self, mark: u64) {
        let frames = (cpu::carried().replace(mark) & !INSISTS) - (mark & !INSISTS);
        if frames == 0 {
            return;
        }
        poison::released(frames);
        let own = super::own();
        let credit = own.credit.get() + frames;
        own.credit.set(credit);
        let torus = super::here();
        if credit > 2 * CREDIT || torus.reservations.are_drawn() {
            give_back(torus, &own.credit, frames);
        }
    }
}

/// Sets frames aside for a core that has not enough for a reservation, and for some more if there are many.
#[cold]
fn set_aside(torus: &Torus, credit: &Cell<u64>, frames: u64) -> Result<(), NoMemory> {
    let missing = frames - credit.get();
    let kept = if insists() {
        torus.reservations.kept()
    } else {
        torus.heap_reserve()
    };
    let mut pool = torus.pool.lock();
    if pool.available() < kept + missing {
        torus.gather(&mut pool);
    }
    let free = pool.available().saturating_sub(kept);
    if free < missing {
        torus.note_shortage();
        above::tori_is_low(torus);
        return Err(NoMemory);
    }
    let more = if free / PLENTY > CREDIT { CREDIT } else { 0 };
    let held = &torus.reservations.held;
    held.fetch_add(missing + more, Ordering::Relaxed);
    credit.set(credit.get() + missing + more);
    Ok(())
}

/// A core gives back what it keeps, as that is much, or the heap has drawn some of what is reserved; so many frames are of the
/// reservation that ends.
#[cold]
fn give_back(torus: &Torus, credit: &Cell<u64>, ended: u64) {
    let account = &torus.reservations;
    let _pool = torus.pool.lock();
    account.held.fetch_sub(credit.replace(0), Ordering::Relaxed);
    // Somebody else may have drawn them: what is kept is too much then, never too little.
    let drawn = account.drawn.load(Ordering::Relaxed);
    account
        .drawn
        .store(drawn.saturating_sub(ended), Ordering::Relaxed);
}
