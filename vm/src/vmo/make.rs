//! Objects that are made otherwise than by a builder.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use super::page::{PAGE_SIZE, Page, PageMemory, PageSupply};
use super::rope::{Piece, Rope};
use super::tree::{Link, level_for};
use super::{MAX_SIZE, Rights, VmoError, VmoHandle};
use crate::builder::BuilderError;
use crate::hash::is_zero;
use crate::store::VmoStore;

impl<S: PageSupply> VmoStore<S> {
    /// An object of these bytes, with all rights.
    ///
    /// # Errors
    /// [`VmoError::OutOfPages`] when the supply has too few pages.
    pub fn from_bytes(&self, bytes: &[u8]) -> Result<VmoHandle<S>, VmoError> {
        let mut builder = self.bounded_builder(bytes.len() as u64);
        let committed = builder.append(bytes).and_then(|()| builder.commit());
        committed.map_err(|error| match error {
            BuilderError::OutOfPages(error) => error.into(),
            _ => VmoError::TooLarge,
        })
    }

    /// An object of `size` zero bytes, with all rights. It needs no page.
    ///
    /// # Errors
    /// [`VmoError::TooLarge`] beyond [`MAX_SIZE`].
    pub fn zeros(&self, size: u64) -> Result<VmoHandle<S>, VmoError> {
        self.from_pages(size, [])
    }

    /// An object of `size` bytes made of the given pages, which are shared and not copied, and of zeros elsewhere; with all
    /// rights. Pages may come in any order. This is how a file of the boot image becomes an object where it lies.
    ///
    /// # Errors
    /// [`VmoError::TooLarge`], [`VmoError::OutOfRange`] for a page beyond the end, [`VmoError::Duplicate`],
    /// [`VmoError::DirtyTail`]: bytes after the end must be zero, or they would show when something is joined there.
    pub fn from_pages(
        &self,
        size: u64,
        pages: impl IntoIterator<Item = (u64, Arc<Page<S::Page>>)>,
    ) -> Result<VmoHandle<S>, VmoError> {
        if size > MAX_SIZE {
            return Err(VmoError::TooLarge);
        }
        let mut leaves = BTreeMap::new();
        for (index, page) in pages {
            if index >= size.div_ceil(PAGE_SIZE) {
                let start = index.saturating_mul(PAGE_SIZE);
                return Err(VmoError::OutOfRange {
                    start,
                    end: start.saturating_add(PAGE_SIZE),
                    size,
                });
            }
            S::Page::pause();
            let held = (size - index * PAGE_SIZE).min(PAGE_SIZE) as usize;
            if !is_zero(&page.bytes()[held..]) {
                return Err(VmoError::DirtyTail);
            }
            if leaves.insert(index, Link::page(page)).is_some() {
                return Err(VmoError::Duplicate(index));
            }
        }
        let level = level_for(size);
        let tree = Link::Zero.updated(level, 0, &mut leaves.into_iter().peekable());
        Ok(VmoHandle::from_tree(self.clone(), tree, level, size))
    }
}

impl<S: PageSupply> VmoHandle<S> {
    /// The first `size` bytes of a tree in which no byte after them is other than zero.
    pub(crate) fn from_tree(store: VmoStore<S>, root: Link<S::Page>, level: u8, size: u64) -> Self {
        Self::new(
            store,
            Rope::of(Piece::subtree(root, level, size)),
            Rights::all(),
        )
    }
}
