//! The kernel's heap on each torus, in frames of the torus's pool: they go back as soon as nothing in them is in use.
//!
//! Small objects lie in slabs of one frame each ([`vm::slab`]), and what fits a frame has one of its own: both are reached through
//! the direct map. What is larger has frames that are mapped one after the other into a slot ([`Slots`]). Memory is
//! freed to the torus that its address belongs to, whoever frees it.

use super::slots::{self, Frames, Slots};
use super::{Torus, above, poison, reserve};
use core::alloc::Layout;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};
use machine::cpu;
use machine::paging::{self, PhysAddr, SLOT_SIZE, TORUS_SLOTS};
use machine::shootdown::{self, CoreSet};
use sync::{IrqLock, Lock};
use torus::TorusId;
use vm::addr::{Frame, PAGE_SIZE};
use vm::frames::Use;
use vm::slab::{self, CLASSES, Class, Slabs};

/// Bytes of a torus's area that are the heap's: half of it; the other half holds the cores' stacks.
const LIMIT: u64 = SLOT_SIZE / 2;
const _: () = assert!(slots::AREA <= LIMIT);

/// What part of the torus's frames is too much to ask for at once, when it is not there.
const LARGE: u64 = 32;

/// A torus's heap.
pub struct Heap {
    slabs: Lock<Slabs>,
    /// Allocating several pages takes long: the lock's holder lets interrupts in meanwhile.
    slots: IrqLock<Slots>,
    /// Frames that it has.
    frames: AtomicU64,
    /// Bytes in use beside the slabs, in whole pages.
    pages: AtomicU64,
}

/// What a heap has at a moment.
#[derive(Clone, Copy, Debug)]
pub struct InUse {
    /// Size and number of the small objects in use, by size.
    pub small: [(usize, u64); CLASSES],
    /// Bytes of the larger ones, in whole pages.
    pub large: u64,
}

impl InUse {
    /// Bytes in all.
    pub fn bytes(&self) -> u64 {
        let small = self.small.iter().map(|(size, count)| *size as u64 * count);
        small.sum::<u64>() + self.large
    }
}

/// How a piece of memory is held.
enum Kind {
    Small(Class),
    /// A frame of its own.
    Frame,
    /// Pages of a slot.
    Slot(u64),
}

impl Kind {
    /// By size and alignment; none when the alignment is larger than a page.
    #[inline]
    fn of(layout: Layout) -> Option<Self> {
        if let Some(class) = Class::of(layout) {
            return Some(Self::Small(class));
        }
        if layout.align() > PAGE_SIZE {
            return None;
        }
        Some(match layout.size().div_ceil(PAGE_SIZE) as u64 {
            ..=1 => Self::Frame,
            pages => Self::Slot(pages),
        })
    }
}

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
            slabs: Lock::new(Slabs::new()),
            slots: IrqLock::new(Slots::new(slot(torus))),
            frames: AtomicU64::new(0),
            pages: AtomicU64::new(0),
        }
    }

    /// Frames that the heap has of the pool, free parts of them and its page tables included.
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// What is in use.
    pub fn in_use(&self) -> InUse {
        InUse {
            small: self.slabs.lock().used(),
            large: self.pages.load(Ordering::Relaxed),
        }
    }

    /// Gives frames back that are only kept for later.
    pub fn trim(&self, torus: &Torus) {
        loop {
            let page = self.slabs.lock().trim();
            let Some(page) = page else { break };
            Source(torus).free(frame_of(page.as_ptr()));
            cpu::let_interrupts_in();
        }
    }

    /// A piece of memory; none when no frame is left for it.
    #[inline]
    pub(super) fn allocate(&self, torus: &Torus, layout: Layout) -> Option<NonNull<u8>> {
        match Kind::of(layout)? {
            Kind::Small(class) => {
                let object = self.slabs.lock().allocate(class);
                object.or_else(|| self.allocate_in_new(torus, class))
            }
            Kind::Frame => {
                let frame = Source(torus).page()?;
                self.pages.fetch_add(PAGE_SIZE as u64, Ordering::Relaxed);
                NonNull::new(paging::phys_to_virt(frame.start()))
            }
            Kind::Slot(pages) => {
                // Memory that is not there is not asked for frame by frame. Nobody makes room for what is too large.
                if torus.available() < pages {
                    if pages < torus.total() / LARGE {
                        torus.note_shortage();
                    }
                    return None;
                }
                let slot = self.slots.lock().allocate(pages, &mut Source(torus))?;
                self.pages
                    .fetch_add(pages * PAGE_SIZE as u64, Ordering::Relaxed);
                NonNull::new(slot as *mut u8)
            }
        }
    }

    #[cold]
    fn allocate_in_new(&self, torus: &Torus, class: Class) -> Option<NonNull<u8>> {
        let frame = Source(torus).page()?;
        let page = NonNull::new(paging::phys_to_virt(frame.start()))?;
        let mut slabs = self.slabs.lock();
        // SAFETY: K14, the frame has just become the heap's.
        unsafe { slabs.add(class, page, torus.id.index() as u8) };
        slabs.allocate(class)
    }

    /// Frees what was allocated here.
    ///
    /// # Safety
    /// With this layout, and nobody uses it any more.
    #[inline]
    pub(super) unsafe fn free(&self, torus: &Torus, memory: NonNull<u8>, layout: Layout) {
        match Kind::of(layout) {
            Some(Kind::Small(_)) => {
                // SAFETY: K14, by the caller's promise.
                let page = unsafe { self.slabs.lock().free(memory) };
                if let Some(page) = page {
                    Source(torus).free(frame_of(page.as_ptr()));
                }
            }
            Some(Kind::Frame) => {
                self.pages.fetch_sub(PAGE_SIZE as u64, Ordering::Relaxed);
                Source(torus).free(frame_of(memory.as_ptr()));
            }
            Some(Kind::Slot(pages)) => {
                self.pages
                    .fetch_sub(pages * PAGE_SIZE as u64, Ordering::Relaxed);
                let mut slots = self.slots.lock();
                slots.free(memory.as_ptr() as u64, pages, &mut Source(torus));
            }
            None => {}
        }
    }

    /// Gives what lies in several pages another size, without a copy where both sizes take several pages; none when no frame is
    /// left for it, or the sizes are not such.
    ///
    /// # Safety
    /// It was allocated here with this layout. Nobody uses it any more where it lay, when this answers with where it lies now.
    pub(super) unsafe fn resize(
        &self,
        torus: &Torus,
        memory: NonNull<u8>,
        layout: Layout,
        new: Layout,
    ) -> Option<NonNull<u8>> {
        let (Kind::Slot(from), Kind::Slot(to)) = (Kind::of(layout)?, Kind::of(new)?) else {
            return None;
        };
        if from == to {
            return Some(memory);
        }
        if torus.available() < to.saturating_sub(from) {
            // The caller tries to allocate it anew, which notes the shortage.
            return None;
        }
        let start = memory.as_ptr() as u64;
        let mut slots = self.slots.lock();
        let slot = slots.resize(start, from, to, &mut Source(torus))?;
        drop(slots);
        let bytes = |pages| pages * PAGE_SIZE as u64;
        self.pages.fetch_add(bytes(to), Ordering::Relaxed);
        self.pages.fetch_sub(bytes(from), Ordering::Relaxed);
        NonNull::new(slot as *mut u8)
    }
}

/// The pool, for a torus's heap.
struct Source<'a>(&'a Torus);

impl Frames for Source<'_> {
    fn page(&mut self) -> Option<Frame> {
        if !reserve::holds() && !reserve::insists() && self.0.is_closed() {
            return None;
        }
        let frame = self.0.alloc_frame(Use::Kernel)?;
        self.0.heap.frames.fetch_add(1, Ordering::Relaxed);
        above::tori_heap_grew(1);
        if reserve::holds() {
            poison::grew();
        }
        Some(frame)
    }

    fn table(&mut self) -> Option<PhysAddr> {
        let frame = self.0.alloc_zeroed_frame(Use::Kernel)?;
        self.0.heap.frames.fetch_add(1, Ordering::Relaxed);
        Some(frame.start())
    }

    fn free(&mut self, frame: Frame) {
        self.0.heap.frames.fetch_sub(1, Ordering::Relaxed);
        above::tori_heap_grew(-1);
        self.0.free_frame(frame);
    }

    fn pause(&self) {
        // While the machine is being divided nobody interrupts.
        if cpu::place().is_some() {
            cpu::let_interrupts_in();
        }
    }

    fn forget(&self) {
        let mut cores = CoreSet::empty();
        (0..self.0.cores()).for_each(|index| cores.insert(self.0.core(index).index));
        shootdown::flush_kernel(cores);
    }
}

fn frame_of(memory: *const u8) -> Frame {
    Frame::containing(paging::direct_to_phys(memory))
}

/// The torus that a piece of memory belongs to.
///
/// # Safety
/// It was allocated with this layout, and is not free.
#[inline]
pub(super) unsafe fn torus_of(memory: NonNull<u8>, layout: Layout) -> Option<&'static Torus> {
    match Kind::of(layout)? {
        Kind::Small(_) => {
            // SAFETY: K14, by the caller's promise it lies in a slab.
            let tag = unsafe { slab::tag_of(memory) }?;
            super::get(TorusId::new(usize::from(tag))?)
        }
        Kind::Frame => {
            let owns = |torus: &&'static Torus| torus.owns(frame_of(memory.as_ptr()));
            // Nothing of the other tori is touched for what is one's own.
            let own = super::try_here();
            own.filter(owns).or_else(|| super::all().find(owns))
        }
        Kind::Slot(_) => {
            let index = (memory.as_ptr() as usize >> 39 & 511) - TORUS_SLOTS;
            super::get(TorusId::new(index)?)
        }
    }
}
