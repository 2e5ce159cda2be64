//! An emulated machine for `vm`: frames with one word of content each, tables, a memory-management
//! unit with a translation cache per core, swap, objects, and the few lines of a kernel that execute
//! recipes and pay flush debts.
//!
//! Roles: [`Storage`] holds what a machine needs for its life; [`Machine`] is memory and the kernel's
//! side; [`Core`] translates as the processor would, stale entries included.

mod core;
mod kernel;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};

use vm::addr::{Frame, FrameRange};
use vm::flush::{Flush, FlushDebt};
use vm::frames::{FrameMeta, FrameTable, Use};
use vm::pool::{CoreCache, FramePool};
use vm::swap::{BLOCK, SlotTable};
use vm::table::{Table, TableMemory};

pub use self::core::Core;
pub use kernel::{Fault, MemoryObject, Space};

/// What a freed frame holds: a use after freeing is seen as this value.
const POISON: u64 = 0xdead_beef_dead_beef;
/// The first frame of every machine: not aligned to a run, and not zero.
const FIRST: Frame = Frame(0x1003);

/// Records of a machine's frames and slots.
pub struct Storage {
    metas: Vec<FrameMeta>,
    words: Vec<u64>,
    slots: Vec<AtomicU16>,
    sums: Vec<AtomicU32>,
    blocks: Vec<AtomicU16>,
}

impl Storage {
    /// For a machine with so many frames and swap slots.
    pub fn new(frames: u64, slots: usize) -> Self {
        let range = FrameRange::at(FIRST, frames);
        Self {
            metas: (0..frames).map(|_| FrameMeta::default()).collect(),
            words: vec![0; FramePool::storage_words(range)],
            slots: (0..slots).map(|_| AtomicU16::new(0)).collect(),
            sums: (0..slots).map(|_| AtomicU32::new(0)).collect(),
            blocks: (0..slots.div_ceil(BLOCK))
                .map(|_| AtomicU16::new(0))
                .collect(),
        }
    }
}

/// Memory, and what a kernel keeps of it.
pub struct Machine<'a> {
    frames: FrameTable<'a>,
    pool: RefCell<FramePool<'a>>,
    caches: Vec<CoreCache>,
    tables: Vec<OnceCell<Box<Table>>>,
    content: Vec<Cell<u64>>,
    slots: SlotTable<'a>,
    written: RefCell<HashMap<u64, u64>>,
    zero: Frame,
    cores: RefCell<Vec<Core>>,
    pauses: Cell<u32>,
}

impl<'a> Machine<'a> {
    /// A machine over `storage` with so many cores.
    ///
    /// # Panics
    /// When the storage is too small for one frame.
    pub fn new(storage: &'a mut Storage, cores: usize) -> Self {
        let count = storage.metas.len();
        let frames = FrameTable::new(FIRST, &storage.metas);
        let pool = FramePool::new(frames.range(), &mut storage.words).expect("storage fits");
        let mut machine = Self {
            frames,
            pool: RefCell::new(pool),
            caches: (0..cores).map(|_| CoreCache::new()).collect(),
            tables: (0..count).map(|_| OnceCell::new()).collect(),
            content: (0..count).map(|_| Cell::new(POISON)).collect(),
            slots: SlotTable::new(&storage.slots, &storage.sums, &storage.blocks, 1),
            written: RefCell::default(),
            zero: FIRST,
            cores: RefCell::new((0..cores).map(|_| Core::default()).collect()),
            pauses: Cell::new(0),
        };
        machine.zero = machine.allocate(Use::Kernel).expect("a frame of zeros");
        machine.set_content(machine.zero, 0);
        machine
    }

    /// Free frames, those in the cores' caches too.
    pub fn available(&self) -> u64 {
        let cached: u64 = self.caches.iter().map(CoreCache::available).sum();
        self.pool.borrow().available() + cached
    }

    /// How often operations have paused.
    pub fn pauses(&self) -> u32 {
        self.pauses.get()
    }

    /// Free swap slots.
    pub fn available_slots(&self) -> u64 {
        self.slots.available()
    }

    fn at(frame: Frame) -> usize {
        (frame - FIRST) as usize
    }

    /// The word that stands for a frame's content; 0 is a frame of zeros.
    pub fn content(&self, frame: Frame) -> u64 {
        self.content[Self::at(frame)].get()
    }

    /// Writes a frame.
    pub fn set_content(&self, frame: Frame, value: u64) {
        self.content[Self::at(frame)].set(value);
    }

    /// Takes a frame.
    pub fn allocate(&self, used: Use) -> Option<Frame> {
        let cache = &self.caches[0];
        let frame = cache.allocate(&self.frames, used).or_else(|| {
            let mut pool = self.pool.borrow_mut();
            cache
                .refill(&mut pool, u64::MAX, &self.frames, used)
                .or_else(|| {
                    for other in &self.caches {
                        other.drain(&mut pool).expect("cached frames are used");
                    }
                    cache.refill(&mut pool, u64::MAX, &self.frames, used)
                })
        })?;
        assert_eq!(self.content(frame), POISON, "{frame:?} was in use");
        Some(frame)
    }

    /// Gives a frame back.
    ///
    /// # Panics
    /// When it is free already.
    pub fn free(&self, frame: Frame) {
        self.set_content(frame, POISON);
        // Frees come from several cores.
        let cache = &self.caches[frame.0 as usize % self.caches.len()];
        if !cache.free(&self.frames, frame).expect("freed once") {
            cache
                .spill(&mut self.pool.borrow_mut(), frame)
                .expect("used by the pool's count");
        }
    }

    /// Makes the cores forget, and frees the frames.
    pub fn pay(&self, space: u64, debt: FlushDebt) {
        for core in self.cores.borrow_mut().iter_mut() {
            match debt.flush() {
                Flush::None => {}
                Flush::Pages(pages) => core.forget(space, pages),
                Flush::All => core.forget_all(space),
            }
        }
        let mut list = debt.pay(&self.frames);
        while let Some(frame) = list.pop(&self.frames) {
            self.free(frame);
        }
    }
}

impl TableMemory for Machine<'_> {
    fn table(&self, frame: Frame) -> &Table {
        assert_eq!(
            self.frames.usage(frame),
            Use::Table,
            "{frame:?} is no table"
        );
        self.tables[Self::at(frame)].get_or_init(|| Box::new([const { AtomicU64::new(0) }; 512]))
    }

    fn allocate_table(&self) -> Option<Frame> {
        let frame = self.allocate(Use::Table)?;
        self.set_content(frame, 0);
        self.table(frame)
            .iter()
            .for_each(|word| word.store(0, Relaxed));
        Some(frame)
    }

    fn frames(&self) -> &FrameTable<'_> {
        &self.frames
    }

    fn zero_frame(&self) -> Frame {
        self.zero
    }

    fn slots(&self) -> Option<&SlotTable<'_>> {
        Some(&self.slots)
    }

    fn pause(&self) {
        self.pauses.set(self.pauses.get() + 1);
    }
}
