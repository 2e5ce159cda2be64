//! The sorted list of a space's mappings.

mod indexed;
#[cfg(test)]
mod tests;

use super::SpaceError;
use super::blocks::{Blocks, Place};
use super::index::{EACH, Index, Interval};
use super::mapping::{Mapping, Object};
use crate::addr::{Page, PageRange};
use fallible::NoMemory;

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
///
/// Those that show a page of an object, or a private copy, are looked for one by one in a short list; a long one has an index.
#[derive(Debug)]
pub(super) struct MappingList<O> {
    items: Blocks<Mapping<O>, BLOCK>,
    /// There is one where there are more than [`BLOCK`] mappings.
    index: Option<Index>,
}

impl<O: Object> MappingList<O> {
    pub(super) const fn new() -> Self {
        Self {
            items: Blocks::new(),
            index: None,
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
        let done = list.take_all(mappings, &pause);
        if done.is_err() {
            list.clear(pause);
        }
        done.map(|()| list)
    }

    fn take_all(
        &mut self,
        mappings: impl IntoIterator<Item = Mapping<O>>,
        pause: &impl Fn(),
    ) -> Result<(), SpaceError> {
        let mut end = Page(0);
        for mapping in mappings {
            if mapping.range.is_empty() || mapping.range.start < end {
                return Err(SpaceError::InvalidArgument);
            }
            end = mapping.range.end;
            self.reserve(1, pause)?;
            self.insert(mapping);
            pause();
        }
        Ok(())
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

    /// Changes the first mapping that ends above `page` where that keeps the order; false when there is none.
    pub(super) fn change_above(
        &mut self,
        page: Page,
        change: impl FnOnce(&mut Mapping<O>),
    ) -> bool {
        self.change(self.place(page), change).is_some()
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

    /// Inserts a mapping where there is none, joined with its neighbours where possible.
    pub(super) fn insert(&mut self, mapping: Mapping<O>) {
        let at = self.place(mapping.range.start);
        let below = self.items.before(at);
        let upper = self.items.get(at).filter(|next| mapping.joins(next));
        let end = upper.map(|next| next.range.end);
        let joins = |below: &Place| {
            let lower = self.items.get(*below);
            lower.is_some_and(|lower| lower.joins(&mapping))
        };
        match (below.filter(joins), end) {
            (Some(lower), Some(end)) => {
                self.change(lower, |lower| lower.range.end = end);
                self.take(at);
            }
            (Some(lower), None) => {
                self.change(lower, |lower| lower.range.end = mapping.range.end);
            }
            (None, Some(end)) => {
                self.change(at, |upper| {
                    *upper = mapping;
                    upper.range.end = end;
                });
            }
            (None, None) => self.put(at, mapping),
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
            self.change(below, |lower| lower.range.end = end);
            self.take(at);
        }
    }

    /// Makes a part of one mapping a mapping of its own, and changes that.
    pub(super) fn isolate<R>(
        &mut self,
        part: PageRange,
        pause: impl Fn(),
        change: impl FnOnce(&mut Mapping<O>) -> R,
    ) -> Result<R, SpaceError> {
        let whole = self.find(part.start).ok_or(SpaceError::NoMemory)?.range;
        let cuts = usize::from(whole.start < part.start) + usize::from(part.end < whole.end);
        if cuts > 0 {
            self.may_split(cuts)?;
            self.reserve(cuts, pause)?;
            self.split(part.start);
            self.split(part.end);
        }
        self.change(self.place(part.start), change)
            .ok_or(SpaceError::NoMemory)
    }

    /// Splits the mapping that reaches over `page`.
    fn split(&mut self, page: Page) {
        let at = self.place(page);
        let reaches = |mapping: &&Mapping<O>| mapping.range.start < page;
        let upper = self.items.get(at).filter(reaches);
        if let Some(upper) = upper.map(|mapping| mapping.from(page)) {
            self.change(at, |mapping| mapping.range.end = page);
            self.put(at.next(), upper);
        }
    }

    /// Takes the mappings of the range out, with a `pause` after each. Needs room for one where the range is the middle of a mapping.
    pub(super) fn remove(&mut self, range: PageRange, pause: impl Fn()) {
        let at = self.place(range.start);
        let Some(first) = self.items.get(at).map(|first| first.range) else {
            return;
        };
        if first == range {
            self.take(at);
            return self.settle(pause);
        }
        if first.start == range.start && range.end < first.end {
            self.change(at, |first| *first = first.from(range.end));
            return;
        }
        if first.start < range.start {
            let upper = self.change(at, |first| {
                let upper = (first.range.end > range.end).then(|| first.from(range.end));
                first.range.end = range.start;
                upper
            });
            if let Some(upper) = upper.flatten() {
                return self.put(at.next(), upper);
            }
        }
        let index = &mut self.index;
        self.items.remove_while(
            |mapping| mapping.range.end <= range.start,
            |mapping| mapping.range.end <= range.end,
            |mapping| {
                if let Some(index) = index {
                    index.replace(Interval::of(&mapping), [None; EACH]);
                }
                drop(mapping);
                pause();
            },
        );
        let last = self.first_above(range.start);
        if last.is_some_and(|last| last.range.start < range.end) {
            self.change_above(range.start, |last| *last = last.from(range.end));
        }
        self.settle(pause);
    }

    /// A copy for a fork, with a `pause` after every few.
    pub(super) fn duplicate(&self, pause: impl Fn()) -> Result<Self, SpaceError> {
        let mut copy = Self::new();
        let done = copy.take_copies(self, &pause);
        if done.is_err() {
            copy.clear(pause);
        }
        done.map(|()| copy).map_err(|_| SpaceError::NoMemory)
    }

    fn take_copies(&mut self, list: &Self, pause: &impl Fn()) -> Result<(), NoMemory> {
        self.items.take_copies(&list.items, pause)?;
        if let Some(index) = &list.index {
            self.index = Some(index.duplicate(pause)?);
        }
        Ok(())
    }

    pub(super) fn clear(&mut self, pause: impl Fn()) {
        self.items.clear(&pause);
        self.settle(pause);
    }
}
