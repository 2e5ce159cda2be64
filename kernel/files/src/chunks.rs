//! A sequence that grows in chunks: what is there never moves, and no allocation is large, however many items a program names.

use alloc::vec::Vec;
use fallible::{NoMemory, TryVec, with_capacity};

/// Items of a chunk.
const CHUNK: usize = 128;

/// A sequence of `T`.
#[derive(Debug)]
pub struct Chunks<T> {
    chunks: Vec<Vec<T>>,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Chunks<T> {
    /// No items.
    pub const fn new() -> Self {
        Self { chunks: Vec::new() }
    }

    /// Appends an item.
    pub fn push(&mut self, item: T) -> Result<(), NoMemory> {
        if self.chunks.last().is_none_or(|last| last.len() == CHUNK) {
            self.chunks.try_push(with_capacity(CHUNK)?)?;
        }
        match self.chunks.last_mut() {
            Some(last) => last.try_push(item),
            None => Ok(()),
        }
    }

    /// The items in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten()
    }

    /// The items in order, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.chunks.iter_mut().flatten()
    }

    /// Takes the last item out.
    pub fn pop(&mut self) -> Option<T> {
        let last = self.chunks.last_mut()?;
        let item = last.pop();
        if last.is_empty() {
            self.chunks.pop();
        }
        item
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_stay_in_order() {
        let mut chunks = Chunks::new();
        for number in 0..1000 {
            chunks.push(number).unwrap();
        }
        assert!(chunks.iter().copied().eq(0..1000));
        chunks.iter_mut().for_each(|item| *item += 1);
        assert!((0..1000).all(|back| chunks.pop() == Some(1000 - back)));
        assert_eq!(chunks.pop(), None);
    }
}
