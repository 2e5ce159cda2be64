//! How data caps come to be.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::{
    Arc, CapError, DataCap, Digest, Link, MAX_SIZE, PAGE_SIZE, PageBytes, PageSlab, PageSupply,
    VmoError, VmoHandle, VmoStore, is_zero, level_for,
};

impl<S: PageSupply> DataCap<S> {
    /// No pages at all.
    pub fn empty(store: &VmoStore<S>) -> Self {
        Self::over(store, Link::Zero, 0)
    }

    /// The pages of `bytes`; at least one.
    ///
    /// # Errors
    /// [`CapError::OutOfPages`].
    pub fn from_bytes(store: &VmoStore<S>, bytes: &[u8]) -> Result<Self, CapError> {
        Self::from_bytes_sized(store, bytes, bytes.len() as u64)
    }

    /// The pages of `bytes`, followed by empty ones up to `target_size` bytes; at least one page.
    ///
    /// # Errors
    /// [`CapError::TooLarge`], [`CapError::OutOfPages`].
    pub fn from_bytes_sized(
        store: &VmoStore<S>,
        bytes: &[u8],
        target_size: u64,
    ) -> Result<Self, CapError> {
        let page_count = pages_for(target_size.max(bytes.len() as u64))?;
        let mut leaves = Vec::new();
        for (index, chunk) in (0..).zip(bytes.chunks(PAGE_SIZE as usize)) {
            leaves.push((index, new_leaf(store, chunk)?));
        }
        Ok(Self::over(store, tree(leaves, page_count), page_count))
    }

    /// The named pages, and empty ones up to `requested_size` bytes; at least one page. Pages may come in any order.
    ///
    /// # Errors
    /// [`CapError::TooLarge`], [`CapError::OutOfRange`], [`CapError::Duplicate`], [`CapError::OutOfPages`].
    pub fn from_sparse_pages<'p>(
        store: &VmoStore<S>,
        requested_size: u64,
        pages: impl IntoIterator<Item = (u64, &'p PageBytes)>,
    ) -> Result<Self, CapError> {
        let page_count = pages_for(requested_size)?;
        let mut cap = Self::over(store, Link::Zero, page_count);
        let mut leaves = BTreeMap::new();
        for (index, bytes) in pages {
            cap.check_page(index)?;
            if leaves.insert(index, new_leaf(store, bytes)?).is_some() {
                return Err(CapError::Duplicate(index));
            }
        }
        cap.backing.root = tree(leaves, page_count);
        Ok(cap)
    }

    /// The pages that have the given roots, none of which is held; roots of zero pages stand for empty ones.
    ///
    /// # Errors
    /// [`CapError::TooLarge`], [`CapError::OutOfRange`], [`CapError::Duplicate`].
    pub fn from_roots(
        store: &VmoStore<S>,
        requested_size: u64,
        roots: impl IntoIterator<Item = (u64, Digest)>,
    ) -> Result<Self, CapError> {
        let page_count = pages_for(requested_size)?;
        let mut cap = Self::over(store, Link::Zero, page_count);
        let mut leaves = BTreeMap::new();
        for (index, root) in roots {
            cap.check_page(index)?;
            if leaves.insert(index, cap.missing(root)).is_some() {
                return Err(CapError::Duplicate(index));
            }
        }
        cap.backing.root = tree(leaves, page_count);
        Ok(cap)
    }

    /// The pages of an object, zeros after its last byte. No page is copied, and none is hashed.
    ///
    /// # Errors
    /// [`VmoError::Denied`] without the right to read, [`VmoError::Missing`] when a page lies across one that is not held.
    pub fn from_vmo(object: &VmoHandle<S>) -> Result<Self, VmoError> {
        let (store, root) = object.page_tree()?;
        Ok(Self::over(&store, root, object.page_count()))
    }

    /// A clean cap over a tree of `page_count` pages.
    pub(super) fn over(store: &VmoStore<S>, root: Link<S::Page>, page_count: u64) -> Self {
        let backing = PageSlab { root, page_count };
        Self {
            store: store.clone(),
            backing,
            overlay: Arc::new(BTreeMap::new()),
        }
    }
}

/// Pages of a cap of at least `size` bytes.
pub(super) fn pages_for(size: u64) -> Result<u64, CapError> {
    if size > MAX_SIZE {
        Err(CapError::TooLarge)
    } else {
        Ok(size.div_ceil(PAGE_SIZE).max(1))
    }
}

/// A tree of `page_count` pages from leaves in ascending order.
pub(super) fn tree<M: crate::vmo::page::PageMemory>(
    leaves: impl IntoIterator<Item = (u64, Link<M>)>,
    page_count: u64,
) -> Link<M> {
    Link::Zero.updated(
        level_for(page_count * PAGE_SIZE),
        0,
        &mut leaves.into_iter().peekable(),
    )
}

/// A page that begins with `bytes`.
pub(super) fn new_leaf<S: PageSupply>(
    store: &VmoStore<S>,
    bytes: &[u8],
) -> Result<Link<S::Page>, CapError> {
    if is_zero(bytes) {
        return Ok(Link::Zero);
    }
    let page = store.new_page(|page| page[..bytes.len()].copy_from_slice(bytes))?;
    Ok(Link::Page(Arc::new(page)))
}
