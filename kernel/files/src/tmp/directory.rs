//! The entries of one directory: found by name, listed in the order of their making, so that a listing under way neither skips
//! nor repeats an entry when others come and go.

use crate::error::FileError;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;

pub(super) struct Directory<N> {
    by_name: BTreeMap<Arc<[u8]>, u64>,
    by_position: BTreeMap<u64, (Arc<[u8]>, N)>,
    next: u64,
}

pub(super) struct Entry<'a, N> {
    pub(super) position: u64,
    pub(super) name: &'a [u8],
    pub(super) node: &'a N,
}

impl<N> Directory<N> {
    pub(super) fn new() -> Self {
        Self {
            by_name: BTreeMap::new(),
            by_position: BTreeMap::new(),
            next: 0,
        }
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&N> {
        self.by_position
            .get(self.by_name.get(name)?)
            .map(|(_, node)| node)
    }

    pub(super) fn insert(&mut self, name: &[u8], node: N) -> Result<(), FileError> {
        if self.by_name.contains_key(name) {
            return Err(FileError::Exists);
        }
        let name: Arc<[u8]> = name.into();
        self.by_name.insert(name.clone(), self.next);
        self.by_position.insert(self.next, (name, node));
        self.next += 1;
        Ok(())
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> Option<N> {
        let position = self.by_name.remove(name)?;
        self.by_position.remove(&position).map(|(_, node)| node)
    }

    pub(super) fn iter_from(&self, position: u64) -> impl Iterator<Item = Entry<'_, N>> {
        let entries = self.by_position.range(position..);
        entries.map(|(&position, (name, node))| Entry {
            position,
            name,
            node,
        })
    }
}
