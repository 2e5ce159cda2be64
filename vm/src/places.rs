//! The places of an object's own pages: in a frame, in a slot of the swap device, or nowhere yet.

#[cfg(test)]
mod tests;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use fallible::{NoMemory, TryMap, TryVec};

use crate::addr::Frame;
use crate::table::Slot;

/// Pages of a chunk.
const CHUNK: u64 = 512;

/// Where a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It was never touched, or can be made again.
    Nowhere,
    /// In a frame, of which the object holds a reference.
    Frame(Frame),
    /// In a swap slot, of which the object holds a reference; or on its way there.
    Slot(Slot),
}

/// What a search in one chunk has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// The first page that is somewhere.
    Page(u64),
    /// None in this chunk: the search goes on from this page.
    From(u64),
}

/// Places by page, in chunks of 512: an object of few pages is small, however far apart they lie.
#[derive(Debug, Default)]
pub struct Places(BTreeMap<u64, Vec<Place>>);

/// The number of a page's chunk, and which one of the chunk it is.
const fn split(index: u64) -> (u64, usize) {
    (index / CHUNK, (index % CHUNK) as usize)
}

impl Places {
    /// Every page is nowhere.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Whether page `index` can be put somewhere without memory for a chunk.
    pub fn is_ready(&self, index: u64) -> bool {
        self.0.contains_key(&split(index).0)
    }

    /// Where page `index` is.
    pub fn get(&self, index: u64) -> Place {
        let (chunk, at) = split(index);
        let places = self.0.get(&chunk);
        places.map_or(Place::Nowhere, |places| places[at])
    }

    /// The place of page `index`, if its chunk is there.
    pub fn get_mut(&mut self, index: u64) -> Option<&mut Place> {
        let (chunk, at) = split(index);
        Some(&mut self.0.get_mut(&chunk)?[at])
    }

    /// The place of page `index`; its chunk is made when it is missing.
    ///
    /// # Errors
    /// [`NoMemory`].
    pub fn make(&mut self, index: u64) -> Result<&mut Place, NoMemory> {
        if !self.is_ready(index) {
            let mut places = Vec::new();
            places.try_resize(CHUNK as usize, Place::Nowhere)?;
            self.0.put(split(index).0, places)?;
        }
        self.get_mut(index).ok_or(NoMemory)
    }

    /// Looks for the first page from `index` on that is somewhere, in the first chunk that may have it: who searches may let others look
    /// between two chunks. None: there is no such page.
    pub fn search(&self, index: u64) -> Option<Search> {
        let (number, places) = self.0.range(split(index).0..).next()?;
        let first = number * CHUNK;
        let mut rest = index.max(first)..first + CHUNK;
        let found = rest.find(|index| places[(index - first) as usize] != Place::Nowhere);
        Some(found.map_or(Search::From(first + CHUNK), Search::Page))
    }

    /// The places of page `index` and of those after it in the same chunk; none when that is not there.
    pub fn rest_of_chunk(&mut self, index: u64) -> &mut [Place] {
        let (chunk, at) = split(index);
        match self.0.get_mut(&chunk) {
            Some(places) => &mut places[at..],
            None => &mut [],
        }
    }

    /// Takes the places of the last chunk out, if it begins at page `from` or after it.
    pub fn take_last(&mut self, from: u64) -> Option<Vec<Place>> {
        let last = self.0.last_entry()?;
        (*last.key() * CHUNK >= from).then(|| last.remove())
    }
}
