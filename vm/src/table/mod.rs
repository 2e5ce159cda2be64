//! Page tables: four levels, leaves of 4 KiB and 2 MiB, operations on ranges.
//!
//! Roles: [`TableMemory`] is how tables are reached (the kernel's direct map, or the emulated machine
//! of the test kit); [`Entry`] is the layout of a word; [`PageTable`] walks. Nothing here knows
//! mappings: `space` decides what a range may do.

mod audit;
mod copy;
mod entry;
mod fold;
mod range;
mod walk;

use alloc::vec::Vec;
use core::sync::atomic::AtomicU64;
use fallible::NoMemory;

pub(crate) use audit::Led;
pub(crate) use copy::Copied;
pub use entry::{Entry, Rights, Slot, Source, State};
pub use fold::Away;
pub(crate) use fold::word_of;
pub use range::Released;
pub(crate) use range::release;
pub(crate) use walk::Leaf;
pub use walk::Place;

use crate::addr::Frame;
use crate::frames::{FrameTable, Owner, Sharers};
use crate::swap::SlotTable;

/// The words of one table. Atomic, because the processor sets accessed and dirty bits in them.
pub type Table = [AtomicU64; 512];

/// What page tables need from their surroundings.
pub trait TableMemory {
    /// The table in `frame`, which [`TableMemory::allocate_table`] gave and which is not yet freed.
    fn table(&self, frame: Frame) -> &Table;

    /// A frame of zeros, claimed as [`crate::frames::Use::Table`] with one reference; none when memory is out.
    fn allocate_table(&self) -> Option<Frame>;

    /// Enters what every address space has in common (the kernel's half) in a new root.
    fn prepare_root(&self, _root: &Table) {}

    /// The records of the torus's frames.
    fn frames(&self) -> &FrameTable<'_>;

    /// The shared frame of zeros that untouched memory reads; never counted, never freed.
    fn zero_frame(&self) -> Frame;

    /// The torus's swap slots, where it has any.
    fn slots(&self) -> Option<&SlotTable<'_>> {
        None
    }

    /// What the page cache knows of who maps the content in one of its slots.
    fn sharers(&self, _slot: u64) -> Sharers {
        Sharers::Nobody
    }

    /// A space of this lineage is about to show an object: it is found from now on by whoever looks for entries of the object's pages.
    ///
    /// # Errors
    /// [`NoMemory`].
    fn show(&self, _object: Owner, _lineage: Owner) -> Result<(), NoMemory> {
        Ok(())
    }

    /// Called between the pieces of what takes long: at least once for 64 entries or 16 mappings or tables. It costs next to nothing.
    fn pause(&self) {}
}

/// No frame was left for a page table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfTables;

/// A page table.
#[derive(Debug)]
pub struct PageTable {
    root: Frame,
    /// Tables below the root.
    tables: u64,
    /// Grows whenever a table is freed, so that a stale [`Place`] is noticed.
    epoch: u32,
    /// Where remote entries lead: the top table of each source.
    sources: Vec<(Source, Frame)>,
}

impl PageTable {
    /// A table that maps nothing below the kernel's half.
    ///
    /// # Errors
    /// [`OutOfTables`] when no frame is left.
    pub fn new<M: TableMemory>(memory: &M) -> Result<Self, OutOfTables> {
        let root = memory.allocate_table().ok_or(OutOfTables)?;
        memory.prepare_root(memory.table(root));
        Ok(Self {
            root,
            tables: 0,
            epoch: 0,
            sources: Vec::new(),
        })
    }

    /// The frame of the top table, for the processor.
    pub const fn root(&self) -> Frame {
        self.root
    }

    /// Frames that the tables take, the root included.
    pub const fn frames(&self) -> u64 {
        self.tables + 1
    }
}
