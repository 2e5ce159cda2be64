#![doc = include_str!("../README.md")]
#![no_std]
#![deny(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

extern crate alloc;

mod above;
mod allocator;
mod build;
mod counted;
pub mod counters;
mod divide;
mod failing;
pub mod heap;
mod member;
mod part;
pub mod pieces;
pub mod poison;
mod pool;
mod remote;
mod reserve;
pub mod rings;
mod slots;

pub use divide::{Early, divide};
pub use member::{Member, Own, behalf, here, is_on_behalf, on_behalf, own, try_here};
pub use part::{Make, Maker, PARTS, Part, Parts};
pub use remote::RemoteFrame;

use core::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use failing::Failing;
use fallible::NoMemory;
use heap::Heap;
use machine::MAX_CORES;
use machine::cpu::{self, Cpu};
use machine::paging;
use pool::Pool;
use reserve::Reservations;
use torus::{MAX_TORI, TorusId};
use vm::addr::{Frame, FrameRange, PAGES_PER_2M};
use vm::frames::{FrameList, FrameTable, Owner, Sharers, Use};
use vm::pool::FramePool;
use vm::swap::SlotTable;
use vm::table::{Table, TableMemory};

/// Frames that are freed, or zeroed, between two looks for interrupts.
const FREED: u64 = 64;
const ZEROED: usize = 8;

/// Frames kept for the kernel's heap: 1 MiB.
const RESERVE: u64 = 256;

/// Free frames below which an allocation asks for reclaim, besides those that programs do not get.
pub fn low_watermark(total: u64) -> u64 {
    (total / 64).clamp(16, 1024)
}

/// One torus.
pub struct Torus {
    /// Its number.
    pub id: TorusId,
    cpus: &'static [AtomicPtr<Cpu>],
    frames: FrameTable<'static>,
    /// The frame that all untouched memory reads.
    zero: Frame,
    pool: Pool,
    /// Frames of the pool that are reserved for the heap.
    reservations: Reservations,
    failing: Failing,
    /// The kernel's own memory on this torus.
    pub heap: Heap,
    /// What layers above keep of it.
    parts: Parts,
    /// Frames that there were before the first process; 0: not known yet.
    usable: AtomicU64,
}

static TORI: [AtomicPtr<Torus>; MAX_TORI] =
    [const { AtomicPtr::new(core::ptr::null_mut()) }; MAX_TORI];
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Has the heap stand behind reservations. Each core has joined its torus.
pub fn begin_reservations() {
    fallible::bind(&reserve::OwnHeap);
}

/// How many tori there are.
pub fn count() -> usize {
    COUNT.load(Ordering::Relaxed)
}

/// The torus with a number, if there is one.
pub fn get(id: TorusId) -> Option<&'static Torus> {
    let torus = TORI[id.index()].load(Ordering::Acquire);
    // SAFETY: K13, a torus lives as long as the machine.
    unsafe { torus.as_ref() }
}

/// All tori in order.
pub fn all() -> impl Iterator<Item = &'static Torus> {
    TorusId::first(count()).filter_map(get)
}

impl Torus {
    /// How many cores it has.
    #[inline]
    pub fn cores(&self) -> usize {
        self.cpus.len()
    }

    /// Its core number `index`.
    ///
    /// # Panics
    /// For an index from [`Torus::cores`] on.
    #[inline]
    pub fn core(&self, index: usize) -> &'static Cpu {
        // SAFETY: K3, all blocks are entered before the torus is published.
        unsafe { &*self.cpus[index].load(Ordering::Relaxed) }
    }

    /// What page tables need of the torus.
    pub fn memory(&self) -> &Self {
        self
    }

    /// Takes a frame, its content unspecified, with one reference; `None` when memory is out.
    pub fn alloc_frame(&self, used: Use) -> Option<Frame> {
        if used != Use::Kernel && self.fails() {
            return None;
        }
        let cache = &self.own_core().frames;
        let found = cache.allocate(&self.frames, used).or_else(|| {
            let mut pool = self.pool.lock();
            if pool.available() < self.reserve() + low_watermark(self.total()) {
                above::tori_is_low(self);
            }
            let kept = if used == Use::Kernel {
                self.heap_reserve()
            } else {
                self.reserve()
            };
            let free = pool.available().saturating_sub(kept);
            let found = cache.refill(&mut pool, free, &self.frames, used);
            if found.is_some() {
                return found;
            }
            if used == Use::Kernel && self.may_draw(&pool) {
                return self.draw(&mut pool);
            }
            drop(pool);
            self.take_from_others(used)
        });
        poison::allocated(self, found)
    }

    /// Whether the heap gets one of the last frames for this core: one of those that are reserved, or while it insists one of the others.
    fn may_draw(&self, pool: &FramePool<'static>) -> bool {
        reserve::holds() || reserve::insists() && pool.available() > self.reservations.kept()
    }

    /// Takes one of the last frames, for a core that [may](Self::may_draw).
    #[cold]
    fn draw(&self, pool: &mut FramePool<'static>) -> Option<Frame> {
        let frame = pool.allocate()?;
        if reserve::holds() {
            self.reservations.draw();
        }
        self.frames.claim(frame, Use::Kernel);
        Some(frame)
    }

    /// Whether the kernel takes no more memory for whom this core works: what it does for other tori ends when its heap and memory objects
    /// have more than half of the frames, since nobody here pays for that, and nobody here is to end for it. Names end before that.
    pub fn is_closed(&self) -> bool {
        is_on_behalf() && above::tori_is_closed(self)
    }

    /// Brings back to the pool what cores keep at hand.
    #[cold]
    fn gather(&self, pool: &mut FramePool<'static>) {
        for index in 0..self.cores() {
            if let Err(error) = self.member(index).frames.drain(pool) {
                panic!("torus {}: {error}", self.id);
            }
        }
    }

    /// Frames that only the kernel's heap gets: when programs have taken the rest, it still serves their calls.
    fn reserve(&self) -> u64 {
        RESERVE.min(self.total() / 16) + self.reservations.kept()
    }

    /// Frames that the heap does not get either, but for reservations and for who insists.
    fn heap_reserve(&self) -> u64 {
        RESERVE.min(self.total() / 16) / 8 + self.reservations.kept()
    }

    /// The pool is empty: what other cores keep at hand is used before memory is out.
    #[cold]
    fn take_from_others(&self, used: Use) -> Option<Frame> {
        let found = (0..self.cores())
            .find_map(|index| self.member(index).frames.allocate(&self.frames, used));
        if found.is_none() {
            self.note_shortage();
        }
        found
    }

    /// An allocation fails for want of frames: the call that made it may try again.
    pub fn note_shortage(&self) {
        own().short_of_memory.set(true);
    }

    /// Takes a frame for bytes on their way, content unspecified; none of those that are kept for the heap.
    pub fn alloc_buffer(&self) -> Option<Frame> {
        let left = self.pool.lock().available();
        if left <= self.reserve() {
            self.note_shortage();
            return None;
        }
        if self.fails() {
            return None;
        }
        self.alloc_frame(Use::Kernel)
    }

    /// Like [`Torus::alloc_frame`], zeroed.
    pub fn alloc_zeroed_frame(&self, used: Use) -> Option<Frame> {
        let frame = self.alloc_frame(used)?;
        // SAFETY: K13, the frame has just become ours.
        unsafe { paging::phys_to_virt(frame.start()).write_bytes(0, vm::addr::PAGE_SIZE) };
        Some(frame)
    }

    /// Takes [`PAGES_PER_2M`] frames in a row, aligned and zeroed; `None` when there are none.
    pub fn alloc_zeroed_run(&self, used: Use) -> Option<Frame> {
        let mut pool = self.pool.lock();
        if pool.available() < self.reserve() + PAGES_PER_2M {
            return None;
        }
        let run = pool.allocate_run()?;
        drop(pool);
        run.iter().for_each(|frame| {
            self.frames.claim(frame, used);
            let _ = poison::allocated(self, Some(frame));
        });
        let mut at = paging::phys_to_virt(run.start.start());
        for _ in 0..PAGES_PER_2M as usize / ZEROED {
            // SAFETY: K13, the frames have just become ours.
            unsafe {
                at.write_bytes(0, ZEROED * vm::addr::PAGE_SIZE);
                at = at.add(ZEROED * vm::addr::PAGE_SIZE);
            }
            cpu::let_interrupts_in();
        }
        Some(run.start)
    }

    /// Frees a frame that nothing refers to any more.
    ///
    /// # Panics
    /// When it is free already or not of this torus: the kernel's accounts are wrong.
    pub fn free_frame(&self, frame: Frame) {
        poison::freed(self, frame);
        let cache = &self.own_core().frames;
        match cache.free(&self.frames, frame) {
            Ok(true) => {}
            Ok(false) => {
                if let Err(error) = cache.spill(&mut self.pool.lock(), frame) {
                    panic!("torus {}: {error}", self.id);
                }
            }
            Err(error) => panic!("torus {}: {frame:?}: {error}", self.id),
        }
    }

    /// Frees what a paid debt has handed out.
    pub fn free_list(&self, mut list: FrameList) {
        for count in 1u64.. {
            let Some(frame) = list.pop(&self.frames) else {
                break;
            };
            self.free_frame(frame);
            if count.is_multiple_of(FREED) {
                cpu::let_interrupts_in();
            }
        }
    }

    /// Whether a frame is one of its memory, in use or free.
    pub fn owns(&self, frame: Frame) -> bool {
        self.frames.usage(frame) != Use::Reserved
    }

    /// Frames that the torus has.
    pub fn total(&self) -> u64 {
        self.frames.range().len()
    }

    /// Frames that there were for programs, and for what the kernel does for them, before the first one: bounds are parts of these.
    pub fn usable(&self) -> u64 {
        match self.usable.load(Ordering::Relaxed) {
            0 => self.total(),
            frames => frames,
        }
    }

    /// Notes what there is before the first process.
    pub fn settle(&self) {
        self.usable.store(self.account(), Ordering::Relaxed);
    }

    /// Frames that can be allocated; exact while no core allocates. The heap's frames are not among them.
    pub fn available(&self) -> u64 {
        let cached = (0..self.cores())
            .map(|index| self.member(index).frames.available())
            .sum::<u64>();
        self.pool.free() + cached
    }

    /// Frames that programs can still get.
    pub fn for_programs(&self) -> u64 {
        self.available().saturating_sub(self.reserve())
    }

    /// Frames by use: free, the kernel's, page tables, private memory, cached pages of objects. Frames that were never the
    /// pool's are none of these.
    pub fn frames_by_use(&self) -> [u64; 5] {
        const PIECE: u64 = 1 << 9;
        let all = self.frames.range();
        let mut sums = [0; 6];
        let mut first = all.start;
        while first < all.end {
            let counts = self.frames.by_use(FrameRange::at(first, PIECE));
            sums.iter_mut()
                .zip(counts)
                .for_each(|(sum, count)| *sum += count);
            first = first + PIECE;
            cpu::let_interrupts_in();
        }
        [
            Use::Free,
            Use::Kernel,
            Use::Table,
            Use::Private,
            Use::Cached,
        ]
        .map(|used| sums[used as usize])
    }

    /// Frames that are not programs': available ones and the heap's. The same number before and after a program says that
    /// nothing of it was left behind, but on the heap; see [`Heap::in_use`] for that.
    pub fn account(&self) -> u64 {
        self.available() + self.heap.frames()
    }

    /// The core that executes this, or the first one while the torus is being set up by another's.
    fn own_core(&self) -> &'static Member {
        let cpu = cpu::this();
        match cpu.try_part::<Member>() {
            Some(own) if cpu.torus == Some(self.id) => own,
            _ => self.member(0),
        }
    }

    /// What it keeps of its core number `index`.
    ///
    /// # Panics
    /// As [`Self::core`].
    pub fn member(&self, index: usize) -> &'static Member {
        self.core(index).part()
    }
}

impl TableMemory for Torus {
    fn table(&self, frame: Frame) -> &Table {
        // SAFETY: K13, by the caller's promise the frame is a table, whose words are atomic.
        unsafe { &*paging::phys_to_virt(frame.start()).cast::<Table>() }
    }

    fn allocate_table(&self) -> Option<Frame> {
        self.alloc_zeroed_frame(Use::Table)
    }

    fn prepare_root(&self, root: &Table) {
        paging::share_kernel_half(root);
    }

    fn frames(&self) -> &FrameTable<'_> {
        &self.frames
    }

    fn zero_frame(&self) -> Frame {
        self.zero
    }

    fn sharers(&self, slot: u64) -> Sharers {
        above::tori_sharers(self, slot)
    }

    fn show(&self, object: Owner, lineage: Owner) -> Result<(), NoMemory> {
        above::tori_show(self, object, lineage)
    }

    fn pause(&self) {
        cpu::let_interrupts_in();
    }

    fn slots(&self) -> Option<&SlotTable<'_>> {
        above::tori_slots(self)
    }
}

const _: () = assert!(MAX_CORES <= u16::MAX as usize);
