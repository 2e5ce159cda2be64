//! A map that does not keep its values alive.

use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use core::ops::Bound;

/// Entries that each insertion looks at, to remove those whose value is gone: two, so that the dead never outnumber the living
/// for long, and no insertion has to clean up after many others.
const SWEPT_PER_INSERTION: usize = 2;

/// Values by key, as long as somebody else holds them.
pub(super) struct WeakMap<K, T> {
    entries: BTreeMap<K, Weak<T>>,
    /// Where the next insertion goes on sweeping.
    cursor: Option<K>,
}

impl<K: Ord + Copy, T> WeakMap<K, T> {
    pub(super) const fn new() -> Self {
        Self {
            entries: BTreeMap::new(),
            cursor: None,
        }
    }

    /// The value under `key`, if it is alive.
    pub(super) fn get(&self, key: &K) -> Option<Arc<T>> {
        self.entries.get(key).and_then(Weak::upgrade)
    }

    /// The living value under `key`, or else `candidate`, which is then kept under it.
    pub(super) fn get_or_insert(&mut self, key: K, candidate: &Arc<T>) -> Arc<T> {
        if let Some(kept) = self.get(&key) {
            return kept;
        }
        self.entries.insert(key, Arc::downgrade(candidate));
        for _ in 0..SWEPT_PER_INSERTION {
            self.sweep_one();
        }
        Arc::clone(candidate)
    }

    fn sweep_one(&mut self) {
        let from = self.cursor.map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.entries.range((from, Bound::Unbounded)).next();
        self.cursor = next.map(|(key, _)| *key);
        if let Some((key, value)) = next
            && value.strong_count() == 0
        {
            let key = *key;
            self.entries.remove(&key);
        }
    }

    /// Removes every entry whose value is gone, and returns how many are left.
    pub(super) fn sweep(&mut self, pause: impl Fn()) -> usize {
        self.entries.retain(|_, value| {
            pause();
            value.strong_count() > 0
        });
        if self.entries.is_empty() {
            // An empty map keeps a node.
            self.entries = BTreeMap::new();
        }
        self.entries.len()
    }
}

#[cfg(test)]
mod tests;
