//! mmap(2) and munmap(2): placement, mapping, unmapping.

use super::list::paused;
use super::mapping::{Backing, Flags, Mapping, Object};
use super::{AddressSpace, LOWEST, STACK_GUARD, SpaceError, USER, pages};
use crate::addr::{PAGE_SIZE, Page, PageRange, USER_END, VirtAddr};
use crate::flush::FlushDebt;
use crate::table::{Leaf, Released, Rights, TableMemory};

/// What a mapping's address in a request means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Somewhere; there, if there is room.
    Hint(VirtAddr),
    /// There, in place of what is there (`MAP_FIXED`).
    Fixed(VirtAddr),
    /// There, or not at all (`MAP_FIXED_NOREPLACE`).
    Vacant(VirtAddr),
}

/// What to map.
#[derive(Clone, Debug)]
pub struct MapRequest<O> {
    /// Where.
    pub placement: Placement,
    /// Bytes; rounded up to pages.
    pub length: u64,
    /// What the program may do.
    pub rights: Rights,
    /// What mprotect(2) may allow later; for private memory everything.
    pub maximum: Rights,
    /// Traits.
    pub flags: Flags,
    /// Where content comes from.
    pub backing: Backing<O>,
}

/// Where the search for room begins: every gap above `below` (and under the ceiling) is at most `skipped` long.
#[derive(Debug)]
pub(super) struct Search {
    below: Page,
    skipped: u64,
}

impl Search {
    pub(super) const fn new(ceiling: Page) -> Self {
        Self {
            below: ceiling,
            skipped: 0,
        }
    }
}

impl<O: Object> AddressSpace<O> {
    /// Maps a range. Nothing becomes present: pages come by fault.
    ///
    /// # Errors
    /// As mmap(2): [`SpaceError::InvalidArgument`] for length 0 or an unaligned fixed address,
    /// [`SpaceError::NoMemory`] without room or over a limit, [`SpaceError::Exists`] for
    /// [`Placement::Vacant`] where something is, [`SpaceError::NotPermitted`] below [`LOWEST`].
    pub fn map<M: TableMemory>(
        &mut self,
        memory: &M,
        request: MapRequest<O>,
    ) -> Result<(VirtAddr, FlushDebt), SpaceError> {
        if request.length == 0 {
            return Err(SpaceError::InvalidArgument);
        }
        if request.length > USER_END.0 {
            return Err(SpaceError::NoMemory);
        }
        let count = request.length.div_ceil(PAGE_SIZE as u64);
        let (range, replace) = self.place(memory, request.placement, count)?;
        self.mappings.may_add()?;
        if replace {
            self.may_cut(range)?;
        }
        // A mapping in the middle of one that it replaces makes two more.
        self.mappings.reserve(2, || memory.pause())?;
        let mapping = Mapping {
            range,
            rights: request.rights,
            maximum: request.maximum,
            flags: request.flags | self.future,
            origin: range.start.0,
            backing: request.backing,
        };
        let replaced = if replace {
            self.mapped_in(memory, range)
        } else {
            0
        };
        if !self.allows(memory, count - replaced, mapping.is_data()) {
            return Err(SpaceError::NoMemory);
        }
        self.show(memory, &mapping)?;
        let debt = if replace {
            self.take_away(memory, range)?
        } else {
            FlushDebt::none()
        };
        self.mapped += count;
        self.mappings.insert(mapping);
        Ok((range.start.start(), debt))
    }

    /// Has the space found by what it shows.
    fn show<M: TableMemory>(&self, memory: &M, mapping: &Mapping<O>) -> Result<(), SpaceError> {
        match &mapping.backing {
            Backing::Zero => Ok(()),
            Backing::Object { object, .. } => memory
                .show(object.owner(), self.lineage)
                .map_err(|_| SpaceError::NoMemory),
        }
    }

    /// Has a space of a lineage that is new to this torus found by what it shows.
    ///
    /// # Errors
    /// [`SpaceError::NoMemory`].
    pub fn show_all<M: TableMemory>(&self, memory: &M) -> Result<(), SpaceError> {
        for mapping in self.mappings.iter(|| memory.pause()) {
            self.show(memory, mapping)?;
        }
        Ok(())
    }

    /// Whether a request may name this place; what is to be placed anywhere may.
    ///
    /// # Errors
    /// As those of [`AddressSpace::map`].
    pub fn check_placement(&self, at: Placement, length: u64) -> Result<(), SpaceError> {
        match at {
            Placement::Hint(_) => Ok(()),
            at => self
                .place_fixed(at, length.div_ceil(PAGE_SIZE as u64))
                .map(|_| ()),
        }
    }

    /// The range for a request, and whether something is in the way.
    fn place<M: TableMemory>(
        &mut self,
        memory: &M,
        at: Placement,
        count: u64,
    ) -> Result<(PageRange, bool), SpaceError> {
        let Placement::Hint(hint) = at else {
            return self.place_fixed(at, count);
        };
        let free = self
            .at_hint(hint, count)
            .or_else(|| self.find_room(memory, count));
        Ok((free.ok_or(SpaceError::NoMemory)?, false))
    }

    /// The range for a request that says where it is.
    fn place_fixed(&self, at: Placement, count: u64) -> Result<(PageRange, bool), SpaceError> {
        let (Placement::Fixed(address) | Placement::Vacant(address) | Placement::Hint(address)) =
            at;
        let length = count * PAGE_SIZE as u64;
        if address > USER_END || length > USER_END - address {
            return Err(SpaceError::NoMemory);
        }
        let range = pages(address, length).ok_or(SpaceError::InvalidArgument)?;
        if range.start < LOWEST {
            return Err(SpaceError::NotPermitted);
        }
        let taken = self.mappings.overlaps(range);
        if taken && matches!(at, Placement::Vacant(_)) {
            return Err(SpaceError::Exists);
        }
        Ok((range, taken))
    }

    /// The range at a hint, if there is one and there is room.
    pub(super) fn at_hint(&self, hint: VirtAddr, count: u64) -> Option<PageRange> {
        if hint.0 == 0 || hint > USER_END {
            return None;
        }
        let start = Page(hint.0.div_ceil(PAGE_SIZE as u64)).max(LOWEST);
        let range = PageRange::at(start, count);
        let free = self.mappings.first_above(start).map_or(USER.end, floor);
        (range.end <= free.min(USER.end)).then_some(range)
    }

    /// The highest room below the ceiling, else above it.
    pub(super) fn find_room<M: TableMemory>(
        &mut self,
        memory: &M,
        count: u64,
    ) -> Option<PageRange> {
        if count <= self.search.skipped {
            self.search = Search::new(self.ceiling);
        }
        let mut top = self.search.below;
        // From the mapping above, if that keeps a guard gap, downwards.
        let (above, mappings) = self.mappings.around(top);
        let mut mappings = paused(mappings, || memory.pause());
        if let Some(above) = above {
            top = top.min(floor(above));
        }
        loop {
            let below = mappings.next();
            let bottom = below.map_or(LOWEST, |below| below.range.end.max(LOWEST));
            if top.0 >= bottom.0 + count {
                self.search.below = top;
                return Some(PageRange::new(top - count, top));
            }
            self.search.skipped = self.search.skipped.max(PageRange::new(bottom, top).len());
            top = top.min(floor(below?));
        }
    }

    /// Unmaps a range; parts that are not mapped are no error.
    ///
    /// # Errors
    /// As munmap(2): [`SpaceError::InvalidArgument`] for an unaligned address, length 0 or a range
    /// beyond the program's addresses; [`SpaceError::NoMemory`] when a split finds no room.
    pub fn unmap<M: TableMemory>(
        &mut self,
        memory: &M,
        address: VirtAddr,
        length: u64,
    ) -> Result<FlushDebt, SpaceError> {
        let range = pages(address, length).ok_or(SpaceError::InvalidArgument)?;
        if range.is_empty() {
            return Err(SpaceError::InvalidArgument);
        }
        let first = self.mappings.first_above(range.start);
        let Some(first) = first.filter(|first| first.range.start < range.end) else {
            return Ok(FlushDebt::none());
        };
        if first.range.start < range.start && range.end < first.range.end {
            self.mappings.reserve(1, || memory.pause())?;
        }
        self.may_cut(range)?;
        self.take_away(memory, range)
    }

    /// Whether a range may be taken away: where it is the middle of a mapping that makes one more.
    fn may_cut(&self, range: PageRange) -> Result<(), SpaceError> {
        let first = self.mappings.first_above(range.start);
        let is_middle =
            |first: &Mapping<O>| first.range.start < range.start && range.end < first.range.end;
        if first.is_some_and(is_middle) {
            self.mappings.may_split(1)?;
        }
        Ok(())
    }

    /// As [`AddressSpace::unmap`], of the first part of a long range; answers how many bytes that is. After the first part the others do not
    /// fail for mappings or for 2 MiB leaves that have to be split.
    ///
    /// # Errors
    /// As [`AddressSpace::unmap`].
    pub fn unmap_piece<M: TableMemory>(
        &mut self,
        memory: &M,
        address: VirtAddr,
        length: u64,
    ) -> Result<(u64, FlushDebt), SpaceError> {
        let range = pages(address, length).ok_or(SpaceError::InvalidArgument)?;
        let piece = self.piece(memory, range);
        if piece < range.len() {
            self.table.split_edges(memory, range)?;
        }
        let bytes = piece * PAGE_SIZE as u64;
        let debt = self.unmap(memory, address, bytes)?;
        Ok((bytes, debt))
    }

    /// So many pages of a range, from its start on, are work for one go: as many tables and mappings as take some milliseconds.
    pub(super) fn piece<M: TableMemory>(&self, memory: &M, range: PageRange) -> u64 {
        const TABLES: u32 = 64;
        const MAPPINGS: usize = 512;
        if range.len() <= crate::addr::PAGES_PER_2M {
            return range.len();
        }
        let mut mappings = self.mappings.touching(range, || memory.pause());
        let end = mappings
            .nth(MAPPINGS)
            .map_or(range.end, |beyond| beyond.range.start);
        let (mut page, mut tables) = (range.start, 0);
        while page < end && tables < TABLES {
            let leaf = self.table.leaf(memory, page);
            tables += u32::from(!matches!(leaf, Leaf::Absent(_)));
            page = leaf.next(page);
            memory.pause();
        }
        page.min(end) - range.start
    }

    /// Unmaps; the list has room for a mapping more where the range is the middle of one.
    pub(super) fn take_away<M: TableMemory>(
        &mut self,
        memory: &M,
        range: PageRange,
    ) -> Result<FlushDebt, SpaceError> {
        self.table.split_edges(memory, range)?;
        let mut debt = FlushDebt::none();
        self.drop_mappings(memory, range, &mut debt);
        self.free_tables(memory, range, &mut debt);
        Ok(debt)
    }

    /// Takes mappings and pages of a range away, whose edges split no 2 MiB leaf; tables stay.
    pub(super) fn drop_mappings<M: TableMemory>(
        &mut self,
        memory: &M,
        range: PageRange,
        debt: &mut FlushDebt,
    ) {
        self.table.drop_folded(memory, range);
        let mut released = Released::default();
        for mapping in self.mappings.touching(range, || memory.pause()) {
            let part = mapping.range.intersect(range);
            released += self.table.unmap(memory, part, debt);
            self.mapped -= part.len();
            if part.end < range.end {
                memory.pause();
            }
        }
        self.account(released);
        if !range.is_empty() {
            self.mappings.remove(range, || memory.pause());
        }
    }

    /// Frees the tables that have become empty with a range that is not mapped any more.
    pub(super) fn free_tables<M: TableMemory>(
        &mut self,
        memory: &M,
        range: PageRange,
        debt: &mut FlushDebt,
    ) {
        let hull = self.mappings.hull(range.start);
        self.table.free_tables(memory, range, hull, debt);
        self.search.below = self.search.below.max(hull.end.min(self.ceiling));
    }

    /// Pages of the range that are mapped.
    fn mapped_in<M: TableMemory>(&self, memory: &M, range: PageRange) -> u64 {
        self.mappings
            .touching(range, || memory.pause())
            .map(|mapping| mapping.range.intersect(range).len())
            .sum()
    }
}

/// Where room below a mapping ends: a mapping that grows down keeps its guard.
fn floor<O>(mapping: &Mapping<O>) -> Page {
    if mapping.flags.contains(Flags::GROWS_DOWN) {
        Page(mapping.range.start.0.saturating_sub(STACK_GUARD))
    } else {
        mapping.range.start
    }
}
