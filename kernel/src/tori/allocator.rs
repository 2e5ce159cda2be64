//! The kernel's allocator: what `alloc` calls, on the heap of the torus that asks.

use super::{Torus, reserve};
use crate::arch::cpu;
use crate::arch::paging::TORUS_SLOTS;
use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{NonNull, null_mut};
use torus::TorusId;

/// Memory comes from the torus of the core that asks, and goes back to the torus that its address belongs to.
struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// A block of the heap; `None` when there is none for who asks.
fn allocate(torus: &Torus, layout: Layout) -> Option<NonNull<u8>> {
    if torus.reservations.are_drawn() && reserve::own() == 0 {
        torus.note_shortage();
        return None;
    }
    torus.heap.allocate(torus, layout)
}

// SAFETY: K14, each heap gives out disjoint memory of its own.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Nothing is allocated before the machine is divided.
        let torus = cpu::try_this().and_then(|cpu| cpu.try_torus());
        match torus.and_then(|torus| allocate(torus, layout)) {
            Some(memory) => memory.as_ptr(),
            None => null_mut(),
        }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        let index = (memory as usize >> 39 & 511) - TORUS_SLOTS;
        if let Some(torus) = TorusId::new(index).and_then(super::get) {
            torus.heap.free(memory, layout);
        }
    }
}
