//! The kernel's allocator: what `alloc` calls, on the heap of the torus that asks.

use super::{Torus, heap, reserve};
use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{NonNull, null_mut};

/// Memory comes from the torus of the core that asks, and goes back to the torus that its address belongs to.
struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Whether this core is served: when reserved frames have been drawn only those that hold reservations are, and tests have allocations fail.
fn may_allocate(torus: &Torus) -> bool {
    if reserve::holds() {
        return true;
    }
    if torus.reservations.are_drawn() {
        torus.note_shortage();
        return false;
    }
    reserve::insists() || !torus.fails()
}

/// A block of the heap; `None` when there is none for who asks.
fn allocate(torus: &Torus, layout: Layout) -> Option<NonNull<u8>> {
    if may_allocate(torus) {
        torus.heap.allocate(torus, layout)
    } else {
        None
    }
}

/// Gives a block another size where it need not be copied.
///
/// # Safety
/// K14: it was allocated with this layout.
unsafe fn resize(memory: *mut u8, layout: Layout, new: Layout) -> Option<NonNull<u8>> {
    let start = NonNull::new(memory)?;
    let own = super::here();
    if !may_allocate(own) {
        return None;
    }
    // SAFETY: K14, by the caller's promise.
    unsafe {
        let torus = heap::torus_of(start, layout).filter(|torus| torus.id == own.id)?;
        torus.heap.resize(torus, start, layout, new)
    }
}

// SAFETY: K14, each heap gives out disjoint memory of its own.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Nothing is allocated before the machine is divided.
        let torus = super::try_here();
        match torus.and_then(|torus| allocate(torus, layout)) {
            Some(memory) => memory.as_ptr(),
            None => null_mut(),
        }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        let Some(memory) = NonNull::new(memory) else {
            return;
        };
        // SAFETY: K14, allocated here with this layout (GlobalAlloc's contract).
        unsafe {
            if let Some(torus) = heap::torus_of(memory, layout) {
                torus.heap.free(torus, memory, layout);
            }
        }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: K14, allocated here with this layout, and the size is valid with its alignment (GlobalAlloc's contract).
        unsafe {
            let new = Layout::from_size_align_unchecked(size, layout.align());
            if let Some(resized) = resize(memory, layout, new) {
                return resized.as_ptr();
            }
            let moved = self.alloc(new);
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(memory, layout.size().min(size));
                self.dealloc(memory, layout);
            }
            moved
        }
    }
}
