//! A sequence in blocks: what an insertion or a removal moves is bounded, however long the sequence.

use alloc::vec::Vec;
use fallible::{NoMemory, TryVec, with_capacity};

/// The most insertions that [`Blocks::reserve`] promises.
pub(super) const PROMISE: usize = 4;

/// Items that are dropped between two pauses.
const CLEARED: usize = 8;
/// Items that are copied between two pauses.
const COPIED: usize = 16;

/// A sequence of `T`. Up to `BLOCK` of them are one vector; more are several, none of them empty, each with
/// room for `BLOCK`.
#[derive(Debug)]
pub(super) struct Blocks<T, const BLOCK: usize> {
    blocks: Vec<Vec<T>>,
    /// Empty blocks, for insertions that have been promised to succeed.
    spare: Vec<Vec<T>>,
    len: usize,
}

/// A place in the sequence: an item's, or where one may be inserted. Good until the sequence changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    block: usize,
    at: usize,
}

impl Place {
    /// The place after the item at this one.
    pub(super) const fn next(self) -> Self {
        Self {
            block: self.block,
            at: self.at + 1,
        }
    }
}

impl<T, const BLOCK: usize> Blocks<T, BLOCK> {
    pub(super) const fn new() -> Self {
        Self {
            blocks: Vec::new(),
            spare: Vec::new(),
            len: 0,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The place of the first item that is not `before`; those that are come first.
    #[inline]
    pub(super) fn partition_point(&self, before: impl Fn(&T) -> bool) -> Place {
        let block = match self.blocks.as_slice() {
            [] | [_] => 0,
            blocks => blocks.partition_point(|block| block.last().is_some_and(&before)),
        };
        let at = self.block(block).partition_point(before);
        Place { block, at }
    }

    #[inline]
    fn block(&self, block: usize) -> &[T] {
        self.blocks.get(block).map_or(&[], Vec::as_slice)
    }

    #[inline]
    pub(super) fn get(&self, Place { block, at }: Place) -> Option<&T> {
        self.block(block).get(at)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, Place { block, at }: Place) -> Option<&mut T> {
        self.blocks.get_mut(block)?.get_mut(at)
    }

    /// The place before this one.
    #[inline]
    pub(super) fn before(&self, Place { block, at }: Place) -> Option<Place> {
        let (block, at) = if at > 0 {
            (block, at)
        } else {
            let below = block.checked_sub(1)?;
            (below, self.blocks[below].len())
        };
        Some(Place {
            block,
            at: at.checked_sub(1)?,
        })
    }

    /// All items.
    pub(super) fn iter(&self) -> Onward<'_, T> {
        self.onward(Place { block: 0, at: 0 })
    }

    /// The items from a place on.
    #[inline]
    pub(super) fn onward(&self, Place { block, at }: Place) -> Onward<'_, T> {
        Onward {
            items: self.block(block)[at..].iter(),
            more: self.blocks.get(block + 1..).unwrap_or_default(),
        }
    }

    /// The items before a place, the last one first.
    #[inline]
    pub(super) fn backward(&self, mut place: Place) -> impl Iterator<Item = &T> + Clone {
        core::iter::from_fn(move || {
            place = self.before(place)?;
            self.get(place)
        })
    }

    /// Makes room for the next `more` insertions (at most [`PROMISE`]), wherever they are: they need no memory.
    pub(super) fn reserve(&mut self, more: usize) -> Result<(), NoMemory> {
        debug_assert!(more <= PROMISE);
        if self.blocks.is_empty() {
            self.blocks.try_push(Vec::new())?;
        }
        if let [only] = self.blocks.as_mut_slice() {
            if only.len() + more <= BLOCK {
                return Ok(only.try_reserve(more)?);
            }
            only.try_reserve_exact(BLOCK.saturating_sub(only.len()))?;
        }
        // Each insertion may split a block.
        self.blocks.try_reserve(more)?;
        self.spare.try_reserve(PROMISE)?;
        while self.spare.len() < more {
            self.spare.try_push(with_capacity(BLOCK)?)?;
        }
        Ok(())
    }

    /// Inserts before the item at a place, by [`Blocks::reserve`] without memory.
    #[expect(clippy::disallowed_methods, reason = "reserved by the caller")]
    pub(super) fn insert(&mut self, place: Place, item: T) {
        let Place { mut block, mut at } = place;
        if block > 0 && block == self.blocks.len() {
            block -= 1;
            at = self.blocks[block].len();
        }
        if self.block(block).len() >= BLOCK {
            // Halves; but what is appended leaves full blocks behind.
            let kept = if at == BLOCK { BLOCK } else { BLOCK / 2 };
            let mut upper = self.spare.pop().unwrap_or_default();
            self.blocks[block]
                .drain(kept..)
                .for_each(|item| upper.push(item));
            self.blocks.insert(block + 1, upper);
            if at >= kept {
                (block, at) = (block + 1, at - kept);
            }
        }
        self.len += 1;
        self.blocks[block].insert(at, item);
    }

    #[inline]
    pub(super) fn remove(&mut self, Place { block, at }: Place) {
        self.len -= 1;
        self.blocks[block].remove(at);
        self.tidy(block);
    }

    /// Takes out the items that are not `before`, up to the first that is not `within` either; `each` gets them.
    pub(super) fn remove_while(
        &mut self,
        before: impl Fn(&T) -> bool,
        within: impl Fn(&T) -> bool,
        mut each: impl FnMut(T),
    ) {
        loop {
            let Place { block, at } = self.partition_point(&before);
            let gone = self.block(block)[at..].partition_point(&within);
            if gone == 0 {
                return;
            }
            self.len -= gone;
            self.blocks[block].drain(at..at + gone).for_each(&mut each);
            self.tidy(block);
        }
    }

    /// Joins a block, of which something was taken out, with its neighbours where little is left: each has room for `BLOCK`.
    #[expect(
        clippy::disallowed_methods,
        reason = "there is room in the first block, and among the spare ones"
    )]
    fn tidy(&mut self, block: usize) {
        if self.blocks.len() < 2 {
            return;
        }
        for lower in [Some(block), block.checked_sub(1)].into_iter().flatten() {
            let pair = self.blocks.get_mut(lower..).unwrap_or_default();
            let [first, second, ..] = pair else { continue };
            let few = first.len() + second.len() <= BLOCK / 2;
            if few || first.is_empty() || second.is_empty() {
                first.append(second);
                let empty = self.blocks.remove(lower + 1);
                if self.spare.len() < PROMISE.min(self.spare.capacity()) {
                    self.spare.push(empty);
                }
            }
        }
    }

    /// Takes all items out, with a `pause` after a few, and gives the memory back.
    pub(super) fn clear(&mut self, pause: impl Fn()) {
        while let Some(mut last) = self.blocks.pop() {
            while !last.is_empty() {
                last.truncate(last.len().saturating_sub(CLEARED));
                pause();
            }
        }
        *self = Self::new();
    }
}

impl<T: Clone, const BLOCK: usize> Blocks<T, BLOCK> {
    /// Copies a sequence to this one, which is empty, with room for two more, and a `pause` after a few. After an error some
    /// of it is here.
    pub(super) fn take_copies(&mut self, from: &Self, pause: impl Fn()) -> Result<(), NoMemory> {
        self.blocks.try_reserve_exact(from.blocks.len())?;
        for items in &from.blocks {
            let room = if from.blocks.len() == 1 {
                items.len() + 2
            } else {
                BLOCK
            };
            let mut copy = with_capacity(room)?;
            for piece in items.chunks(COPIED) {
                copy.try_extend_from_slice(piece)?;
                pause();
            }
            self.len += copy.len();
            self.blocks.try_push(copy)?;
        }
        Ok(())
    }
}

/// The items from a place on.
#[derive(Debug)]
pub(super) struct Onward<'a, T> {
    items: core::slice::Iter<'a, T>,
    more: &'a [Vec<T>],
}

impl<T> Clone for Onward<'_, T> {
    fn clone(&self) -> Self {
        Self {
            items: self.items.clone(),
            more: self.more,
        }
    }
}

impl<'a, T> Iterator for Onward<'a, T> {
    type Item = &'a T;

    #[inline]
    fn next(&mut self) -> Option<&'a T> {
        loop {
            if let Some(item) = self.items.next() {
                return Some(item);
            }
            let (block, more) = self.more.split_first()?;
            (self.items, self.more) = (block.iter(), more);
        }
    }
}

#[cfg(test)]
mod tests;
