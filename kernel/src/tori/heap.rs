//! The kernel's heap on each torus: a virtual range of its own, backed by the torus's frames as it grows.
//!
//! The range is contiguous, so a large allocation needs no contiguous frames. Heap memory is freed to the torus that
//! its address belongs to, whoever frees it.

use super::{Torus, reserve};
use crate::arch::paging::{KernelTables, Kind, SLOT_SIZE, TORUS_SLOTS};
use core::alloc::Layout;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};
use spin::mutex::SpinMutex;
use talc::DefaultBinning;
use talc::base::Talc;
use talc::source::Manual;
use torus::TorusId;
use vm::addr::PAGE_SIZE;
use vm::frames::Use;

/// Growth at the least, in pages.
const STEP: u64 = 16;
/// Bytes that the heap may have: half a slot; the other half holds the cores' stacks.
const LIMIT: u64 = SLOT_SIZE / 2;

/// A torus's heap.
pub struct Heap {
    inner: SpinMutex<Inner, crate::arch::Relax>,
    /// Bytes allocated at this moment.
    used: AtomicU64,
    /// Frames that the heap has, tables included.
    frames: AtomicU64,
}

struct Inner {
    talc: Talc<Manual, DefaultBinning>,
    /// First address of the heap's range.
    base: u64,
    /// Bytes that are mapped.
    mapped: u64,
    /// Talc's end of the heap, once there is one.
    end: Option<NonNull<u8>>,
}

// SAFETY: K14, the pointers are into the torus's own heap range.
unsafe impl Send for Inner {}

/// Where the area of a torus begins.
pub const fn slot(torus: TorusId) -> u64 {
    0xffff << 48 | ((TORUS_SLOTS + torus.index()) as u64) << 39
}

/// Where the stacks of a torus's cores begin.
pub const fn stacks(torus: TorusId) -> u64 {
    slot(torus) + LIMIT
}

impl Heap {
    /// An empty heap.
    pub(super) const fn new(torus: TorusId) -> Self {
        Self {
            inner: SpinMutex::new(Inner {
                talc: Talc::new(Manual),
                base: slot(torus),
                mapped: 0,
                end: None,
            }),
            used: AtomicU64::new(0),
            frames: AtomicU64::new(0),
        }
    }

    /// Frames that the heap has taken from the pool; it keeps them.
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    pub(super) fn allocate(&self, torus: &Torus, layout: Layout) -> Option<NonNull<u8>> {
        let mut inner = self.inner.lock();
        loop {
            // SAFETY: K14, the layout is not empty (GlobalAlloc's contract).
            if let Some(memory) = unsafe { inner.talc.try_allocate(layout) } {
                self.used.fetch_add(layout.size() as u64, Ordering::Relaxed);
                return Some(memory);
            }
            if !inner.grow(self, torus, layout) {
                return None;
            }
        }
    }

    pub(super) fn free(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: K14, allocated here with this layout (GlobalAlloc's contract).
        unsafe { self.inner.lock().talc.deallocate(memory, layout) };
        self.used.fetch_sub(layout.size() as u64, Ordering::Relaxed);
    }
}

impl Inner {
    /// Maps more frames at the end; false when there are none, with what was mapped added all the same.
    fn grow(&mut self, heap: &Heap, torus: &Torus, layout: Layout) -> bool {
        let first = if self.end.is_none() {
            talc::min_first_heap_size::<DefaultBinning>()
        } else {
            0
        };
        let overhead = 64 + layout.align();
        let Some(bytes) = layout.size().checked_add(overhead + first) else {
            return false;
        };
        let needed = bytes.div_ceil(PAGE_SIZE) as u64;
        let plenty = torus.available() >= torus.reservations.kept() + needed + STEP;
        let pages = if plenty { needed.max(STEP) } else { needed };
        if self.mapped + pages * PAGE_SIZE as u64 > LIMIT {
            return false;
        }
        // Memory that is not there is not asked for frame by frame.
        if !plenty && reserve::own() == 0 {
            torus.note_shortage();
            return false;
        }
        let mut got = 0;
        while got < pages && self.map_page(heap, torus) {
            got += 1;
        }
        self.extend(got);
        got == pages
    }

    fn map_page(&mut self, heap: &Heap, torus: &Torus) -> bool {
        let Some(frame) = torus.alloc_frame(Use::Kernel) else {
            return false;
        };
        let mut tables = || {
            let table = torus.alloc_zeroed_frame(Use::Kernel)?;
            heap.frames.fetch_add(1, Ordering::Relaxed);
            Some(table.start())
        };
        let at = self.base + self.mapped;
        let page = PAGE_SIZE as u64;
        if KernelTables::current()
            .map(at, frame.start().0, page, Kind::Data, &mut tables)
            .is_err()
        {
            torus.free_frame(frame);
            return false;
        }
        heap.frames.fetch_add(1, Ordering::Relaxed);
        self.mapped += page;
        true
    }

    /// Hands newly mapped pages to the allocator.
    fn extend(&mut self, pages: u64) {
        if pages == 0 {
            return;
        }
        let end = (self.base + self.mapped) as *mut u8;
        // SAFETY: K14, the range up to `end` is mapped and belongs to this heap alone.
        self.end = unsafe {
            match self.end {
                None => self.talc.claim(self.base as *mut u8, self.mapped as usize),
                Some(old) => Some(self.talc.extend(old, end)),
            }
        };
    }
}
