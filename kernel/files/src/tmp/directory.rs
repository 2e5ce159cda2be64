//! The entries of one directory: found by name, listed in the order of their making, so that a listing under way neither skips
//! nor repeats an entry when others come and go.
//!
//! A directory may lie over one of an archive: what is there comes first, by its position in the archive, but for what is hidden.

use crate::error::FileError;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use fallible::TryMap;

pub(super) struct Directory<N> {
    by_name: BTreeMap<Arc<[u8]>, u64>,
    by_position: BTreeMap<u64, (Arc<[u8]>, N)>,
    next: u64,
    /// Names of the archive's directory.
    below: u64,
    /// Positions of those that are there no longer: where each run of them begins and ends.
    hidden: BTreeMap<u64, u64>,
    /// How many these are.
    hidden_count: u64,
}

pub(super) struct Entry<'a, N> {
    pub(super) position: u64,
    pub(super) name: &'a [u8],
    pub(super) node: &'a N,
}

impl<N> Directory<N> {
    /// A directory over one of an archive that has so many names.
    pub(super) fn over(below: u64) -> Self {
        Self {
            by_name: BTreeMap::new(),
            by_position: BTreeMap::new(),
            next: below,
            below,
            hidden: BTreeMap::new(),
            hidden_count: 0,
        }
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.by_name.is_empty() && self.hidden_count == self.below
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&N> {
        self.by_position
            .get(self.by_name.get(name)?)
            .map(|(_, node)| node)
    }

    /// Adds an entry; answers its position, which no other will have.
    pub(super) fn insert(&mut self, name: &[u8], node: N) -> Result<u64, FileError> {
        let name = fallible::arc_slice(name)?;
        // One search for all: names may be long and alike.
        if let Some(old) = self.by_name.put(name.clone(), self.next)? {
            if let Some(position) = self.by_name.get_mut(&name) {
                *position = old;
            }
            return Err(FileError::Exists);
        }
        if let Err(error) = self.by_position.put(self.next, (name.clone(), node)) {
            self.by_name.remove(&name);
            return Err(error.into());
        }
        self.next += 1;
        Ok(self.next - 1)
    }

    /// The entry at a position, if it is one that the archive has not.
    pub(super) fn at(&self, position: u64) -> Option<Entry<'_, N>> {
        let (name, node) = self.by_position.get(&position)?;
        Some(Entry {
            position,
            name,
            node,
        })
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> Option<N> {
        let position = self.by_name.remove(name)?;
        let node = self.by_position.remove(&position).map(|(_, node)| node);
        if self.by_name.is_empty() {
            // Empty trees keep a node: a directory that lasts gives it back.
            self.by_name = BTreeMap::new();
            self.by_position = BTreeMap::new();
        }
        node
    }

    /// Takes the archive's entry at a position away.
    pub(super) fn hide(&mut self, position: u64) -> Result<(), FileError> {
        if !self.shows(position) {
            return Ok(());
        }
        let after = self.hidden.get(&(position + 1)).copied();
        let end = after.unwrap_or(position + 1);
        let before = self.hidden.range_mut(..position).next_back();
        match before.filter(|(_, end)| **end == position) {
            Some((_, before_end)) => *before_end = end,
            None => {
                self.hidden.put(position, end)?;
            }
        }
        if after.is_some() {
            self.hidden.remove(&(position + 1));
        }
        self.hidden_count += 1;
        Ok(())
    }

    /// Shows all of the archive's names again; answers what remembered those that were hidden.
    pub(super) fn forget_hidden(&mut self) -> BTreeMap<u64, u64> {
        self.hidden_count = 0;
        core::mem::take(&mut self.hidden)
    }

    /// Where the hidden run ends that a position is in, if it is in one.
    fn hidden_until(&self, position: u64) -> Option<u64> {
        let (_, end) = self.hidden.range(..=position).next_back()?;
        (*end > position).then_some(*end)
    }

    /// Whether the archive's entry at a position is there still.
    pub(super) fn shows(&self, position: u64) -> bool {
        self.hidden_until(position).is_none()
    }

    /// The first position from this one on that the archive has an entry for.
    pub(super) fn next_below(&self, position: u64) -> Option<u64> {
        let at = self.hidden_until(position).unwrap_or(position);
        (at < self.below).then_some(at)
    }

    /// The first entry that the archive has not.
    pub(super) fn first_own(&self) -> Option<(Arc<[u8]>, N)>
    where
        N: Clone,
    {
        let (name, node) = self.by_position.values().next()?;
        Some((name.clone(), node.clone()))
    }

    /// The entries that the archive has not.
    pub(super) fn iter_from(&self, position: u64) -> impl Iterator<Item = Entry<'_, N>> {
        let entries = self.by_position.range(position..);
        entries.map(|(&position, (name, node))| Entry {
            position,
            name,
            node,
        })
    }
}
