//! The files that a torus keeps for others.
//!
//! A file is kept as long as another torus holds it. Each holder is counted by itself, and may be counted below zero for a while:
//! when a process takes a file from one holder to another, the news of the old and of the new one may come in any order.
//! The old holder lets go after it has told of the new one, so that the counts are never all zero too early.

use super::slots::Slots;

/// Files by number, with their holders among `TORI` tori.
#[derive(Debug)]
pub struct Exports<T, const TORI: usize> {
    slots: Slots<Export<T, TORI>>,
}

#[derive(Debug)]
struct Export<T, const TORI: usize> {
    file: T,
    holds: [i32; TORI],
}

impl<T, const TORI: usize> Default for Exports<T, TORI> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const TORI: usize> Exports<T, TORI> {
    /// None.
    pub const fn new() -> Self {
        Self {
            slots: Slots::new(),
        }
    }

    /// Gives the table's memory back, if there is nothing in it.
    pub fn shrink(&mut self) {
        self.slots.shrink();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Gives a file a number, which `holder` then has; without memory, or for a torus that there is not, gives it back.
    ///
    /// # Errors
    /// The file.
    pub fn add(&mut self, file: T, holder: usize) -> Result<u64, T> {
        let mut holds = [0; TORI];
        match holds.get_mut(holder) {
            Some(count) => *count = 1,
            None => return Err(file),
        }
        let export = Export { file, holds };
        self.slots.insert(export).map_err(|export| export.file)
    }

    /// The file of a number.
    pub fn get(&self, number: u64) -> Option<&T> {
        self.slots.get(number).map(|export| &export.file)
    }

    /// The file of a number, to be changed.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        self.slots.get_mut(number).map(|export| &mut export.file)
    }

    /// Changes how often `holder` has the number; answers the file when nobody has it any more.
    pub fn hold(&mut self, number: u64, holder: usize, change: i32) -> Option<T> {
        let export = self.slots.get_mut(number)?;
        let count = export.holds.get_mut(holder)?;
        *count = count.wrapping_add(change);
        if export.holds.iter().any(|&count| count != 0) {
            return None;
        }
        self.slots.remove(number).map(|export| export.file)
    }
}
