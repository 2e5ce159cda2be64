//! The loader's heap: it only grows. What is left on it when the kernel starts are the responses.

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::UnsafeCell,
    sync::atomic::{AtomicUsize, Ordering},
};

/// Bytes of the heap: many times what 256 processors and a long command line need.
const SIZE: usize = 4 << 20;

#[repr(C, align(16))]
struct Heap {
    memory: UnsafeCell<[u8; SIZE]>,
    used: AtomicUsize,
}

// SAFETY: by L3 each byte of `memory` is handed out at most once, and `used` is atomic.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap {
    memory: UnsafeCell::new([0; SIZE]),
    used: AtomicUsize::new(0),
};

// SAFETY: by L3 blocks are disjoint, inside `memory`, and aligned as asked.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let start = self.memory.get().cast::<u8>();
        let fit = |used: usize| {
            let from =
                (start.addr() + used).checked_next_multiple_of(layout.align())? - start.addr();
            from.checked_add(layout.size()).filter(|&end| end <= SIZE)
        };
        match self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fit)
        {
            // The block ends where `fit` said, and its size is a distance inside `memory`.
            Ok(used) => start.wrapping_add(fit(used).unwrap_or(SIZE) - layout.size()),
            Err(_) => core::ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let start = self.memory.get().cast::<u8>().addr();
        let (from, end) = (block.addr() - start, block.addr() - start + layout.size());
        // Only the last block can be had back; whether it was does not matter.
        let _ = self
            .used
            .compare_exchange(end, from, Ordering::Relaxed, Ordering::Relaxed);
    }
}
