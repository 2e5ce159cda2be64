//! The loader's heap: it only grows. What is left on it when the kernel starts are the responses.

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::UnsafeCell,
    mem::MaybeUninit,
    sync::atomic::{AtomicUsize, Ordering},
};

/// Bytes of the heap: many times what 256 processors and a long command line need.
const SIZE: usize = 4 << 20;

#[repr(C, align(16))]
struct Memory(UnsafeCell<MaybeUninit<[u8; SIZE]>>);

// SAFETY: L3, each byte is handed out at most once.
unsafe impl Sync for Memory {}

/// Apart from `.bss`: nobody needs its 4 MiB cleared.
#[unsafe(link_section = ".bss.heap")]
static MEMORY: Memory = Memory(UnsafeCell::new(MaybeUninit::uninit()));

struct Heap {
    used: AtomicUsize,
}

#[global_allocator]
static HEAP: Heap = Heap {
    used: AtomicUsize::new(0),
};

// SAFETY: L3, blocks are disjoint, inside `MEMORY`, and aligned as asked.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let start = MEMORY.0.get().cast::<u8>();
        let fit = |used: usize| {
            let from =
                (start.addr() + used).checked_next_multiple_of(layout.align())? - start.addr();
            from.checked_add(layout.size()).filter(|&end| end <= SIZE)
        };
        match self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fit)
        {
            // The block ends where `fit` said, and its size is a distance inside `MEMORY`.
            Ok(used) => start.wrapping_add(fit(used).unwrap_or(SIZE) - layout.size()),
            Err(_) => core::ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let start = MEMORY.0.get().cast::<u8>().addr();
        let (from, end) = (block.addr() - start, block.addr() - start + layout.size());
        // Only the last block can be had back; whether it was does not matter.
        let _ = self
            .used
            .compare_exchange(end, from, Ordering::Relaxed, Ordering::Relaxed);
    }
}
