//! The Braid kernel.
#![no_std]
#![no_main]

extern crate alloc;

mod mem;
mod process;
mod sched;
mod signal;
mod syscall;

use core::alloc::{GlobalAlloc, Layout};

struct NoHeap;

// SAFETY: K0, allocates nothing.
unsafe impl GlobalAlloc for NoHeap {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static HEAP: NoHeap = NoHeap;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
