//! Ids of objects: asked for, hashed in parts, and the page tree that takes the rope's place when an id is known.

use super::page::PageSupply;
use super::rope::{Piece, Rope};
use super::tree::{Link, level_for};
use super::{Canonical, Rights, State, VmoError, VmoHandle, canonical};
use crate::hash::Digest;
use crate::store::VmoStore;

impl<S: PageSupply> VmoHandle<S> {
    /// The id: equal for equal bytes, however the object was made. Hashes what has not been hashed before.
    ///
    /// # Errors
    /// [`VmoError::Denied`] without [`Rights::READ`], [`VmoError::Missing`] when a page lies across a page that is not held.
    pub fn id(&self) -> Result<Digest, VmoError> {
        Ok(self.canonical()?.id)
    }

    /// Hashes at most `budget` pages from page `from` on, and answers with which page to go on; none when all are hashed, so that
    /// [`id`](Self::id) is left with the interior nodes. For those who must not be away for long.
    ///
    /// # Errors
    /// As [`id`](Self::id).
    pub fn hash_some(&self, from: u64, budget: usize) -> Result<Option<u64>, VmoError> {
        self.demand(Rights::READ)?;
        let (size, store) = (self.size(), &self.vmo.store.0);
        let level = level_for(size);
        let is_tree =
            |state: &State<S>| matches!(&state.rope, Rope::Piece(piece) if piece.level == level);
        if size > 0 && !is_tree(&self.vmo.state.read()) {
            // Spliced pages keep their digests only in a tree that stays.
            let tree = canonical::page_tree(&self.rope(), &store.supply)?;
            let piece = Piece::subtree(tree, level, size);
            let replaced = core::mem::replace(&mut self.vmo.state.write().rope, Rope::of(piece));
            drop(replaced);
        }
        let Rope::Piece(piece) = self.rope() else {
            return Ok(None);
        };
        let (root, mut budget) = ((piece.level, 0), budget);
        Ok(piece.link.hash_some(root, from, &mut budget, &store.hasher))
    }

    /// The id if it has been asked for before; never hashes.
    pub fn known_id(&self) -> Option<Digest> {
        self.vmo
            .state
            .read()
            .canonical
            .as_ref()
            .map(|canonical| canonical.id)
    }

    /// The page tree, hashed; replaces the rope by it, so that equal content is held once from now on.
    pub(super) fn canonical(&self) -> Result<Canonical<S>, VmoError> {
        self.demand(Rights::READ)?;
        if let Some(canonical) = &self.vmo.state.read().canonical {
            return Ok(canonical.clone());
        }
        let (rope, store, size) = (self.rope(), &self.vmo.store.0, self.size());
        let level = level_for(size);
        let tree = canonical::page_tree(&rope, &store.supply)?;
        let (root, pages_root) = canonical::interned(tree, level, store);
        let pages_root = if size == 0 { Digest::ZERO } else { pages_root };
        let canonical = Canonical {
            root,
            id: store.hasher.id(size, &pages_root),
        };
        let replaced = {
            let mut state = self.vmo.state.write();
            state.canonical = Some(canonical.clone());
            let tree = Piece::subtree(canonical.root.clone(), level, size);
            core::mem::replace(&mut state.rope, Rope::of(tree))
        };
        drop((rope, replaced));
        Ok(canonical)
    }

    /// The store and the page tree, not hashed.
    pub(crate) fn page_tree(&self) -> Result<(VmoStore<S>, Link<S::Page>), VmoError> {
        self.demand(Rights::READ)?;
        let store = self.vmo.store.clone();
        let tree = canonical::page_tree(&self.rope(), &store.0.supply)?;
        Ok((store, tree))
    }
}
