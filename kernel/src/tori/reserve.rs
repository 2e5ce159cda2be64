//! Reservations of heap memory: what cannot be allocated fallibly is reserved first ([`fallible`]).
//!
//! A reservation keeps frames in the pool until whoever has it is done, and it counts: nobody else gets them. While there are others, the heap
//! grows by those. Once it has drawn a frame that is reserved, only cores that hold a reservation are served, so that what
//! one of them has made the heap grow by is not used up by somebody who has reserved nothing.

use crate::arch::cpu;
use core::sync::atomic::{AtomicU64, Ordering};
use fallible::NoMemory;
use vm::addr::PAGE_SIZE;
use vm::slab;

/// Times that a block may be larger than it was asked for: sizes are rounded up to classes.
const ROUNDED: usize = 2;
/// Tables that map what the heap grows by.
const TABLES: usize = 3;
/// Pages below a leaf table.
const PAGES_PER_TABLE: usize = 512;

/// A torus's account of its reservations, in frames; changed with the pool locked.
pub(super) struct Reservations {
    /// Those that are held.
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

/// Whether this core may draw: it holds a reservation, or insists.
pub(super) fn may_draw() -> bool {
    cpu::this().sched.reserved.get() > 0
}

/// Whether what it draws has been reserved.
pub(super) fn holds() -> bool {
    cpu::this().sched.reserved.get() & !INSISTS > 0
}

/// The heap of the torus that the executing core is of.
pub(super) struct OwnHeap;

impl fallible::Reserve for OwnHeap {
    fn reserve(&self, blocks: usize, bytes: usize) -> Result<u64, NoMemory> {
        let cpu = cpu::this();
        let torus = cpu.torus();
        // What a holder needs his reservation has been made for.
        let before = cpu.sched.reserved.get();
        if before > 0 {
            return Ok(before);
        }
        let frames = frames(blocks, bytes).ok_or(NoMemory)?;
        if torus.fails() {
            return Err(NoMemory);
        }
        let account = &torus.reservations;
        let mut pool = torus.pool.lock();
        if pool.available() < torus.heap_reserve() + frames {
            torus.gather(&mut pool);
        }
        if pool.available() < torus.heap_reserve() + frames {
            torus.note_shortage();
            return Err(NoMemory);
        }
        account.held.fetch_add(frames, Ordering::Relaxed);
        drop(pool);
        cpu.sched.reserved.set(frames);
        Ok(0)
    }

    fn insist(&self) -> u64 {
        let reserved = &cpu::this().sched.reserved;
        let before = reserved.get();
        reserved.set(before | INSISTS);
        before
    }

    fn release(&self, mark: u64) {
        let cpu = cpu::this();
        let frames = (cpu.sched.reserved.replace(mark) & !INSISTS) - (mark & !INSISTS);
        if frames == 0 {
            return;
        }
        let torus = cpu.torus();
        let account = &torus.reservations;
        let _pool = torus.pool.lock();
        account.held.fetch_sub(frames, Ordering::Relaxed);
        // Somebody else may have drawn them: what is kept is too much then, never too little.
        let drawn = account.drawn.load(Ordering::Relaxed);
        account
            .drawn
            .store(drawn.saturating_sub(frames), Ordering::Relaxed);
    }
}
