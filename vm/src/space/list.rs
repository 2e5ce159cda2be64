//! The sorted list of a space's mappings.

use super::SpaceError;
use super::blocks::{Blocks, Place};
use super::mapping::{Mapping, Object};
use crate::addr::{Page, PageRange};

/// Mappings that lie in one piece: more than most programs have.
const BLOCK: usize = 64;

/// Mappings that a walk looks at between two pauses.
const LOOKS: usize = 16;

/// The items of a walk that may be long, with a `pause` after every few: whoever does much with each pauses besides.
pub(super) fn paused<I: Iterator + Clone>(
    items: I,
    pause: impl Fn() + Clone,
) -> impl Iterator<Item = I::Item> + Clone {
    items.enumerate().map(move |(number, item)| {
        if number % LOOKS == LOOKS - 1 {
            pause();
        }
        item
    })
}

/// Mappings in ascending order, without overlap.
#[derive(Debug)]
pub(super) struct MappingList<O> {
    items: Blocks<Mapping<O>, BLOCK>,
}

impl<O: Object> MappingList<O> {
    pub(super) const fn new() -> Self {
        Self {
            items: Blocks::new(),
        }
    }

    /// These mappings.
    ///
    /// # Errors
    /// [`SpaceError::NoMemory`], [`SpaceError::InvalidArgument`] when they are not in order or overlap.
    pub(super) fn of(
        mappings: impl IntoIterator<Item = Mapping<O>>,
        pause: impl Fn(),
    ) -> Result<Self, SpaceError> {
        let mut list = Self::new();
        let mut end = Page(0);
        for mapping in mappings {
            if mapping.range.is_empty() || mapping.range.start < end {
                return Err(SpaceError::InvalidArgument);
            }
            end = mapping.range.end;
            list.reserve(1)?;
            list.insert(mapping);
            pause();
        }
        Ok(list)
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.items.len()
    }

    /// The place of the first mapping that ends above `page`.
    #[inline]
    fn place(&self, page: Page) -> Place {
        self.items
            .partition_point(|mapping| mapping.range.end <= page)
    }

    /// All, ascending, with a `pause` after every few.
    pub(super) fn iter(
        &self,
        pause: impl Fn() + Clone,
    ) -> impl Iterator<Item = &Mapping<O>> + Clone {
        paused(self.items.iter(), pause)
    }

    /// The first mapping that ends above `page`.
    #[inline]
    pub(super) fn first_above(&self, page: Page) -> Option<&Mapping<O>> {
        self.items.get(self.place(page))
    }

    /// The first mapping that ends above `page`, and those that end at it or below, descending.
    #[inline]
    pub(super) fn around(
        &self,
        page: Page,
    ) -> (
        Option<&Mapping<O>>,
        impl Iterator<Item = &Mapping<O>> + Clone,
    ) {
        let place = self.place(page);
        (self.items.get(place), self.items.backward(place))
    }

    /// Those that touch the range, ascending, with a `pause` after every few.
    #[inline]
    pub(super) fn touching(
        &self,
        range: PageRange,
        pause: impl Fn() + Clone,
    ) -> impl Iterator<Item = &Mapping<O>> + Clone {
        let above = self.items.onward(self.place(range.start));
        paused(above, pause).take_while(move |mapping| mapping.range.start < range.end)
    }

    /// The mapping that holds `page`.
    #[inline]
    pub(super) fn find(&self, page: Page) -> Option<&Mapping<O>> {
        self.first_above(page)
            .filter(|mapping| mapping.range.start <= page)
    }

    /// The first mapping that ends above `page`, to be changed where that keeps the order.
    pub(super) fn first_above_mut(&mut self, page: Page) -> Option<&mut Mapping<O>> {
        self.items.get_mut(self.place(page))
    }

    /// Whether a mapping touches the range.
    #[inline]
    pub(super) fn overlaps(&self, range: PageRange) -> bool {
        self.first_above(range.start)
            .is_some_and(|mapping| mapping.range.start < range.end)
    }

    /// The pages around `page`, which is not mapped, that are not mapped either.
    pub(super) fn hull(&self, page: Page) -> PageRange {
        let (above, mut below) = self.around(page);
        PageRange::new(
            below.next().map_or(Page(0), |below| below.range.end),
            above.map_or(Page(1 << 35), |above| above.range.start),
        )
    }

    /// Whether all of the range is mapped.
    pub(super) fn covers(&self, range: PageRange, pause: impl Fn() + Clone) -> bool {
        self.covered(range, pause) == range.end
    }

    /// The end of what is mapped from the start of the range on, without a hole, with a `pause` after every few mappings.
    pub(super) fn covered(&self, range: PageRange, pause: impl Fn() + Clone) -> Page {
        let mut page = range.start;
        for mapping in self.touching(range, pause) {
            if mapping.range.start > page {
                break;
            }
            page = mapping.range.end;
        }
        page.min(range.end)
    }

    /// Whether mmap(2) may add a mapping: as on Linux there may then be one more than the limit.
    pub(super) fn may_add(&self) -> Result<(), SpaceError> {
        self.may_be(self.len())
    }

    /// Whether so many mappings may be split in two.
    pub(super) fn may_split(&self, cuts: usize) -> Result<(), SpaceError> {
        self.may_be(self.len() + cuts)
    }

    fn may_be(&self, count: usize) -> Result<(), SpaceError> {
        if count > super::MAX_MAPPINGS {
            return Err(SpaceError::NoMemory);
        }
        Ok(())
    }

    /// Makes room for `more` mappings, so that what follows cannot fail.
    pub(super) fn reserve(&mut self, more: usize) -> Result<(), SpaceError> {
        self.items.reserve(more).map_err(|_| SpaceError::NoMemory)
    }

    /// Inserts a mapping where there is none, joined with its neighbours where possible.
    pub(super) fn insert(&mut self, mapping: Mapping<O>) {
        let at = self.place(mapping.range.start);
        let below = self.items.before(at);
        let upper = self.items.get(at).filter(|next| mapping.joins(next));
        let end = upper.map(|next| next.range.end);
        let lower = below.and_then(|below| self.items.get_mut(below));
        let lower = lower.filter(|below| below.joins(&mapping));
        match (lower, end) {
            (Some(lower), Some(end)) => {
                lower.range.end = end;
                self.items.remove(at);
            }
            (Some(lower), None) => lower.range.end = mapping.range.end,
            (None, Some(end)) => {
                if let Some(upper) = self.items.get_mut(at) {
                    *upper = mapping;
                    upper.range.end = end;
                }
            }
            (None, None) => self.items.insert(at, mapping),
        }
    }

    /// Joins the mapping that begins at `page` with the one that ends there, if they fit.
    pub(super) fn join(&mut self, page: Page) {
        let at = self.place(page);
        let Some(upper) = self.items.get(at) else {
            return;
        };
        let end = upper.range.end;
        let Some(below) = self.items.before(at) else {
            return;
        };
        if self
            .items
            .get(below)
            .is_some_and(|lower| lower.joins(upper))
        {
            if let Some(lower) = self.items.get_mut(below) {
                lower.range.end = end;
            }
            self.items.remove(at);
        }
    }

    /// Makes a part of one mapping a mapping of its own.
    pub(super) fn isolate(&mut self, part: PageRange) -> Result<&mut Mapping<O>, SpaceError> {
        let whole = self.find(part.start).ok_or(SpaceError::NoMemory)?.range;
        let cuts = usize::from(whole.start < part.start) + usize::from(part.end < whole.end);
        if cuts > 0 {
            self.may_split(cuts)?;
            self.reserve(cuts)?;
            self.split(part.start);
            self.split(part.end);
        }
        self.first_above_mut(part.start).ok_or(SpaceError::NoMemory)
    }

    /// Splits the mapping that reaches over `page`.
    fn split(&mut self, page: Page) {
        let at = self.place(page);
        if let Some(mapping) = self.items.get_mut(at)
            && mapping.range.start < page
        {
            let upper = mapping.from(page);
            mapping.range.end = page;
            self.items.insert_after(at, upper);
        }
    }

    /// Takes the mappings of the range out, with a `pause` after each. Needs room for one where the range is the middle of a mapping.
    pub(super) fn remove(&mut self, range: PageRange, pause: impl Fn()) {
        let at = self.place(range.start);
        let Some(first) = self.items.get_mut(at) else {
            return;
        };
        if first.range == range {
            return self.items.remove(at);
        }
        if first.range.start == range.start && range.end < first.range.end {
            *first = first.from(range.end);
            return;
        }
        if first.range.start < range.start {
            let upper = (first.range.end > range.end).then(|| first.from(range.end));
            first.range.end = range.start;
            if let Some(upper) = upper {
                return self.items.insert_after(at, upper);
            }
        }
        self.items.remove_while(
            |mapping| mapping.range.end <= range.start,
            |mapping| mapping.range.end <= range.end,
            pause,
        );
        if let Some(last) = self.first_above_mut(range.start)
            && last.range.start < range.end
        {
            *last = last.from(range.end);
        }
    }

    /// A copy for a fork.
    pub(super) fn duplicate(&self, pause: impl Fn()) -> Result<Self, SpaceError> {
        let items = self
            .items
            .duplicate(pause)
            .map_err(|_| SpaceError::NoMemory)?;
        Ok(Self { items })
    }

    pub(super) fn clear(&mut self, pause: impl Fn()) {
        self.items.clear(pause);
    }
}
