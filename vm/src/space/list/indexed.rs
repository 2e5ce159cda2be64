//! Changes of the list, and the index that long lists have.

use core::ops::Range;
use fallible::NoMemory;

use super::{BLOCK, LOOKS, MappingList};
use crate::space::SpaceError;
use crate::space::blocks::Place;
use crate::space::index::{EACH, Index, Interval};
use crate::space::mapping::{Mapping, Object, Of};

impl<O: Object> MappingList<O> {
    /// The mappings that show some of these pages, with a `pause` after every few.
    pub(in crate::space) fn showing(
        &self,
        of: Of,
        pages: Range<u64>,
        pause: impl Fn() + Clone,
    ) -> impl Iterator<Item = &Mapping<O>> {
        let (mut rest, mut after, mut looks) = (self.items.iter(), None, 0);
        core::iter::from_fn(move || {
            looks += 1;
            if looks % LOOKS == 0 {
                pause();
            }
            let Some(index) = &self.index else {
                return rest.find(|mapping| mapping.shows(of, &pages));
            };
            after = Some(index.next(of, &pages, after)?);
            after.and_then(|(_, _, start)| self.find(start))
        })
    }

    /// Makes room for `more` mappings, so that what follows cannot fail. Where the list becomes long it is indexed, with a `pause`
    /// after every mapping.
    #[inline]
    pub(in crate::space) fn reserve(
        &mut self,
        more: usize,
        pause: impl Fn(),
    ) -> Result<(), SpaceError> {
        if self.len() + more > BLOCK || self.index.is_some() {
            self.reserve_index(more, &pause)
                .map_err(|_| SpaceError::NoMemory)?;
        }
        self.items.reserve(more).map_err(|_| SpaceError::NoMemory)
    }

    #[cold]
    fn reserve_index(&mut self, more: usize, pause: &impl Fn()) -> Result<(), NoMemory> {
        if let Some(index) = &mut self.index {
            return index.reserve(EACH * more);
        }
        let mut index = Index::default();
        for mapping in self.items.iter() {
            if let Err(error) = index.reserve(EACH) {
                index.clear(pause);
                return Err(error);
            }
            index.replace([None; EACH], Interval::of(mapping));
            pause();
        }
        self.index.insert(index).reserve(EACH * more)
    }

    /// Changes the mapping at a place. Every change of what a mapping shows is made here.
    #[inline]
    pub(super) fn change<R>(
        &mut self,
        at: Place,
        change: impl FnOnce(&mut Mapping<O>) -> R,
    ) -> Option<R> {
        let mapping = self.items.get_mut(at)?;
        let Some(index) = &mut self.index else {
            return Some(change(mapping));
        };
        let before = Interval::of(mapping);
        let result = change(mapping);
        index.replace(before, Interval::of(mapping));
        Some(result)
    }

    /// Puts a mapping at a place for which there is room.
    #[inline]
    pub(super) fn put(&mut self, at: Place, mapping: Mapping<O>) {
        if let Some(index) = &mut self.index {
            index.replace([None; EACH], Interval::of(&mapping));
        }
        self.items.insert(at, mapping);
    }

    /// Takes the mapping at a place out.
    #[inline]
    pub(super) fn take(&mut self, at: Place) {
        if let Some(index) = &mut self.index
            && let Some(mapping) = self.items.get(at)
        {
            index.replace(Interval::of(mapping), [None; EACH]);
        }
        self.items.remove(at);
    }

    /// Gives the index up when the list has become short.
    #[inline]
    pub(super) fn settle(&mut self, pause: impl Fn()) {
        if self.index.is_some() && self.len() < BLOCK / 2 {
            self.give_up_index(&pause);
        }
    }

    #[cold]
    fn give_up_index(&mut self, pause: &impl Fn()) {
        if let Some(mut index) = self.index.take() {
            index.clear(pause);
        }
    }
}
