//! Address spaces: sorted mappings over a page table, with Linux's rules.
//!
//! Every operation checks first and changes then: after an error nothing has changed, except where
//! its documentation says what. What it took away comes back as a [`FlushDebt`].

mod audit;
mod blocks;
mod change;
mod cut;
mod fork;
mod grow;
mod index;
mod list;
mod map;
mod mapping;
mod moving;
mod remap;
mod reverse;
mod snapshot;

use core::fmt;
use fallible::NoMemory;

pub use audit::Stray;
pub use change::Advice;
pub use cut::Lost;
pub(crate) use grow::GrowError;
use list::MappingList;
pub use map::{MapRequest, Placement};
pub use mapping::{Backing, Flags, Mapping, Object};
pub use moving::{Away, Kept, Parts, granted};
pub use remap::RemapRequest;
pub use reverse::{Age, Replacement};
pub use snapshot::Seen;

use crate::addr::{PAGE_SIZE, Page, PageRange, USER_END, VirtAddr};
use crate::flush::FlushDebt;
use crate::frames::Owner;
use crate::table::{OutOfTables, PageTable, Rights, TableMemory};

/// What the rights of a mapping are called in mmap(2).
pub type Prot = Rights;

/// Mappings a space may have (Linux: `vm.max_map_count`).
pub const MAX_MAPPINGS: usize = 65530;
/// The lowest page that may be mapped (Linux: `vm.mmap_min_addr`).
pub const LOWEST: Page = Page(0x10);
/// Pages kept free below a mapping that grows down (Linux: `stack_guard_gap`).
pub const STACK_GUARD: u64 = 256;
const USER: PageRange = PageRange::new(Page(0), Page::containing(USER_END));

/// Why an operation was refused, by Linux's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpaceError {
    /// An address is not aligned, a length is zero or flags contradict each other (`EINVAL`).
    InvalidArgument,
    /// No room, a limit is reached, part of the range is not mapped, or no frame for a table (`ENOMEM`).
    NoMemory,
    /// There is a mapping already (`EEXIST`).
    Exists,
    /// The object does not allow what is asked (`EACCES`).
    Denied,
    /// Below the lowest page that may be mapped (`EPERM`).
    NotPermitted,
    /// The range is not one mapping (`EFAULT`).
    BadAddress,
    /// More would be locked than the limit allows (`EAGAIN`).
    TooMuchLocked,
    /// Pages of the range are at another torus: pull them first.
    Away,
}

impl fmt::Display for SpaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidArgument => "invalid address, length or flags",
            Self::NoMemory => "no room, or part of the range is not mapped",
            Self::Exists => "something is mapped there",
            Self::Denied => "the object does not allow it",
            Self::NotPermitted => "the lowest pages are not to be mapped",
            Self::BadAddress => "the range is not one mapping",
            Self::TooMuchLocked => "more would be locked than the limit allows",
            Self::Away => "pages of the range are at another torus",
        })
    }
}

impl core::error::Error for SpaceError {}

impl From<NoMemory> for SpaceError {
    fn from(_: NoMemory) -> Self {
        Self::NoMemory
    }
}

impl From<OutOfTables> for SpaceError {
    fn from(_: OutOfTables) -> Self {
        Self::NoMemory
    }
}

/// Bounds, in bytes; `u64::MAX` is none.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// All mappings together (`RLIMIT_AS`).
    pub address_space: u64,
    /// The heap, and private memory that can be written (`RLIMIT_DATA`).
    pub data: u64,
    /// A mapping that grows down (`RLIMIT_STACK`).
    pub stack: u64,
    /// What is locked (`RLIMIT_MEMLOCK`).
    pub locked: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            address_space: u64::MAX,
            data: u64::MAX,
            stack: 8 << 20,
            locked: u64::MAX,
        }
    }
}

/// An address space: what a program has mapped, and the page table that the processor uses.
#[derive(Debug)]
pub struct AddressSpace<O> {
    mappings: MappingList<O>,
    table: PageTable,
    lineage: Owner,
    /// Bounds; set by setrlimit(2).
    pub limits: Limits,
    /// Traits that new mappings get: [`Flags::LOCKED`], by mlockall(2).
    pub future: Flags,
    /// The heap: from where it begins to the break.
    heap: (VirtAddr, VirtAddr),
    /// End of the area in which mappings are placed, downwards.
    ceiling: Page,
    search: map::Search,
    /// Pages mapped.
    mapped: u64,
    resident: u64,
    swapped: u64,
    peak: u64,
    /// Pages that came unasked and went unused.
    wasted: u64,
}

impl<O: Object> AddressSpace<O> {
    /// An empty space. `lineage` is its name in the reverse map, shared by the forks of a space and
    /// by no other. Mappings are placed below `ceiling`.
    ///
    /// # Errors
    /// [`SpaceError::NoMemory`] when no frame is left for the top table.
    pub fn new<M: TableMemory>(
        memory: &M,
        lineage: Owner,
        ceiling: VirtAddr,
    ) -> Result<Self, SpaceError> {
        let ceiling = Page::containing(ceiling).min(USER.end);
        Ok(Self {
            mappings: MappingList::new(),
            table: PageTable::new(memory)?,
            lineage,
            limits: Limits::default(),
            future: Flags::empty(),
            heap: (VirtAddr(0), VirtAddr(0)),
            ceiling,
            search: map::Search::new(ceiling),
            mapped: 0,
            resident: 0,
            swapped: 0,
            peak: 0,
            wasted: 0,
        })
    }

    /// Mappings that name no place are placed below.
    pub const fn ceiling(&self) -> VirtAddr {
        self.ceiling.start()
    }

    /// The page table, for the processor and for accounts.
    pub const fn table(&self) -> &PageTable {
        &self.table
    }

    /// The space's name in the reverse map.
    pub const fn lineage(&self) -> Owner {
        self.lineage
    }

    /// The mapping that holds an address.
    pub fn find(&self, address: VirtAddr) -> Option<&Mapping<O>> {
        self.mappings.find(Page::containing(address))
    }

    /// All mappings, ascending.
    pub fn mappings<M: TableMemory>(
        &self,
        memory: &M,
    ) -> impl Iterator<Item = &Mapping<O>> + Clone {
        self.mappings.iter(|| memory.pause())
    }

    /// The mappings that touch a range, ascending.
    pub fn mappings_in<M: TableMemory>(
        &self,
        memory: &M,
        range: PageRange,
    ) -> impl Iterator<Item = &Mapping<O>> + Clone {
        self.mappings.touching(range, || memory.pause())
    }

    /// The mappings that show an object.
    pub fn mappings_of<M: TableMemory>(
        &self,
        memory: &M,
        object: Owner,
    ) -> impl Iterator<Item = &Mapping<O>> {
        self.mappings
            .showing(Some(object), 0..u64::MAX, || memory.pause())
    }

    /// How many mappings there are.
    pub const fn mapping_count(&self) -> usize {
        self.mappings.len()
    }

    /// Pages mapped.
    pub const fn mapped(&self) -> u64 {
        self.mapped
    }

    /// Pages that have a frame, the shared zero frame included.
    pub const fn resident(&self) -> u64 {
        self.resident
    }

    /// The most that [`AddressSpace::resident`] has been.
    pub fn peak(&self) -> u64 {
        self.peak.max(self.resident)
    }

    /// Takes the number of pages that have come from other tori before anybody asked for them, and have gone unused since this was
    /// last called.
    pub const fn take_wasted(&mut self) -> u64 {
        core::mem::replace(&mut self.wasted, 0)
    }

    /// Pages in swap slots.
    pub const fn swapped(&self) -> u64 {
        self.swapped
    }

    /// Pages of a range that are locked.
    pub fn locked_in<M: TableMemory>(&self, memory: &M, address: VirtAddr, length: u64) -> u64 {
        let end = Page(address.0.saturating_add(length).div_ceil(PAGE_SIZE as u64));
        let range = PageRange::new(Page::containing(address), end).intersect(USER);
        self.mappings
            .touching(range, || memory.pause())
            .filter(|mapping| mapping.flags.contains(Flags::LOCKED))
            .map(|mapping| mapping.range.intersect(range).len())
            .sum()
    }

    /// Takes everything away, as execve(2) and the end of a process do. The space can be used again.
    pub fn clear<M: TableMemory>(&mut self, memory: &M) -> FlushDebt {
        let mut debt = FlushDebt::none();
        self.peak = self.peak.max(self.resident);
        let mappings = self.mappings.iter(|| memory.pause());
        let ends = mappings.clone().skip(1).map(|next| next.range.start);
        for (mapping, end) in mappings.zip(ends.chain([LOWER_HALF.end])) {
            let gone = self.table.unmap(memory, mapping.range, &mut debt);
            self.resident -= gone.resident;
            self.swapped -= gone.swapped;
            self.wasted += gone.wasted;
            // All below is gone already.
            let hull = PageRange::new(LOWER_HALF.start, end);
            self.table
                .free_tables(memory, mapping.range, hull, &mut debt);
            memory.pause();
        }
        if self.table.frames() > 1 {
            // Tables made for an operation that then failed.
            self.table
                .free_tables(memory, LOWER_HALF, LOWER_HALF, &mut debt);
        }
        self.mappings.clear(|| memory.pause());
        self.mapped = 0;
        self.search = map::Search::new(self.ceiling);
        self.future = Flags::empty();
        self.heap = (VirtAddr(0), VirtAddr(0));
        debt
    }

    /// Ends the space: everything goes, the top table too. No core may have it loaded when the debt
    /// is paid.
    pub fn destroy<M: TableMemory>(mut self, memory: &M) -> FlushDebt {
        let mut debt = self.clear(memory);
        self.table.destroy(memory, &mut debt);
        debt
    }

    /// Whether the limits allow so many pages more, of private memory that can be written or of other.
    fn allows<M: TableMemory>(&self, memory: &M, more: u64, is_data: bool) -> bool {
        let bytes = |pages: u64| pages * crate::addr::PAGE_SIZE as u64;
        let data = |mapping: &&Mapping<O>| mapping.is_data();
        let unlimited = !is_data || self.limits.data == u64::MAX;
        bytes(self.mapped + more) <= self.limits.address_space
            && (unlimited || {
                let held: u64 = self
                    .mappings
                    .iter(|| memory.pause())
                    .filter(data)
                    .map(|m| m.range.len())
                    .sum();
                bytes(held + more) <= self.limits.data
            })
    }

    pub(crate) const fn table_mut(&mut self) -> &mut PageTable {
        &mut self.table
    }

    /// Counts pages that got a frame.
    #[inline]
    pub(crate) const fn entered(&mut self, pages: u64) {
        self.resident += pages;
    }

    /// Forgets what was let go.
    pub(crate) fn account(&mut self, released: crate::table::Released) {
        self.peak = self.peak.max(self.resident);
        self.resident -= released.resident;
        self.swapped -= released.swapped;
        self.wasted += released.wasted;
    }
}

/// The lower half: all tables below the root belong to programs.
const LOWER_HALF: PageRange = PageRange::new(Page(0), Page(1 << 35));

/// The pages of an aligned range of addresses that programs may use.
fn pages(address: VirtAddr, length: u64) -> Option<PageRange> {
    if !address.is_page_aligned() || address > USER_END || length > USER_END - address {
        return None;
    }
    Some(PageRange::at(
        Page::containing(address),
        length.div_ceil(crate::addr::PAGE_SIZE as u64),
    ))
}
