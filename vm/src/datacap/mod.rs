//! Data caps: whole pages, an immutable backing and an overlay of the pages that were written since.
//!
//! Roles: a [`PageSlab`] is the backing, a page tree that is shared by reference; the overlay holds the dirty pages.
//! [`flush`](DataCap::flush) folds the overlay into a new backing, which shares every untouched page and digest with the old
//! one. Private memory and snapshots are this: the backing is an object's pages, the overlay what the process wrote.
//!
//! Roots follow the bytes: no digest that comes with a page is believed. Only a page that is not held counts by its root.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::fmt;

use thiserror::Error;

use crate::hash::{Digest, PageBytes, is_zero};
use crate::store::VmoStore;
use crate::vmo::page::{OutOfPages, PAGE_SIZE, Page, PageMemory, PageSupply};
use crate::vmo::tree::{Link, MissingPage, level_for};
use crate::vmo::{MAX_SIZE, VmoError, VmoHandle};

mod codec;
mod make;
mod write;

pub use codec::{DecodeError, Form};

/// Why an operation on a data cap was refused; it has then changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CapError {
    /// A page beyond the last, or bytes beyond the end of the page.
    #[error("bytes {start}..{end} of page {index} are not within {page_count} pages")]
    OutOfRange {
        /// Number of the page.
        index: u64,
        /// First byte in the page.
        start: usize,
        /// End of the bytes in the page.
        end: usize,
        /// Pages of the cap.
        page_count: u64,
    },
    /// Bytes beyond the end of the cap.
    #[error("{len} bytes at {offset} reach beyond the end at {size}")]
    BeyondEnd {
        /// Where the bytes begin.
        offset: u64,
        /// How many they are.
        len: u64,
        /// Size of the cap.
        size: u64,
    },
    /// A size beyond [`MAX_SIZE`].
    #[error("a data cap can't be larger than 2^63 bytes")]
    TooLarge,
    /// The same page is named twice.
    #[error("page {0} is named twice")]
    Duplicate(u64),
    /// The cap has to be flushed first.
    #[error("the data cap has an overlay")]
    Dirty,
    /// A page is needed of which only the root is held.
    #[error("page {0} is not held")]
    Missing(Digest),
    /// The page supplied is not the one that is missing, or none is missing there.
    #[error("this is not the missing page {0}")]
    NotTheMissing(u64),
    /// The caps are of different stores.
    #[error("the data caps belong to different stores")]
    ForeignStore,
    /// No memory is left for a page.
    #[error(transparent)]
    OutOfPages(#[from] OutOfPages),
}

impl From<MissingPage> for CapError {
    fn from(MissingPage(root): MissingPage) -> Self {
        Self::Missing(root)
    }
}

/// What a page reads as.
#[derive(Debug)]
pub enum PageAt<M: PageMemory> {
    /// Zeros.
    Zero,
    /// These bytes.
    Bytes(Arc<Page<M>>),
    /// Unknown: only the root is held.
    Missing(Digest),
}

/// Where a page is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageSlot {
    /// Nowhere: it is zeros and has never been anything else since the last flush.
    Empty,
    /// In the backing.
    Backing,
    /// In the overlay: it was written since the last flush.
    Overlay,
}

/// The immutable backing of a cap: its pages and their digests. Empty pages take no room.
pub struct PageSlab<M: PageMemory> {
    root: Link<M>,
    page_count: u64,
}

impl<M: PageMemory> Clone for PageSlab<M> {
    fn clone(&self) -> Self {
        Self {
            root: self.root.clone(),
            page_count: self.page_count,
        }
    }
}

impl<M: PageMemory> PageSlab<M> {
    fn level(&self) -> u8 {
        level_for(self.page_count * PAGE_SIZE)
    }
}

/// A number of pages. A clone shares all of them, until one of the two is written.
pub struct DataCap<S: PageSupply> {
    store: VmoStore<S>,
    backing: PageSlab<S::Page>,
    overlay: Arc<BTreeMap<u64, Link<S::Page>>>,
}

impl<S: PageSupply> Clone for DataCap<S> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            backing: self.backing.clone(),
            overlay: Arc::clone(&self.overlay),
        }
    }
}

impl<S: PageSupply> fmt::Debug for DataCap<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "DataCap({} pages, {} dirty)",
            self.page_count(),
            self.overlay.len()
        )
    }
}

impl<S: PageSupply> DataCap<S> {
    /// Bytes, a multiple of the page size.
    pub const fn content_len(&self) -> u64 {
        self.backing.page_count * PAGE_SIZE
    }

    /// Pages.
    pub const fn page_count(&self) -> u64 {
        self.backing.page_count
    }

    /// Whether there is an overlay, so that the root is not known before [`flush`](Self::flush).
    pub fn is_dirty(&self) -> bool {
        !self.overlay.is_empty()
    }

    /// Where page `index` is found.
    ///
    /// # Errors
    /// [`CapError::OutOfRange`].
    pub fn page_slot(&self, index: u64) -> Result<PageSlot, CapError> {
        self.check_page(index)?;
        Ok(match self.backed(index) {
            _ if self.overlay.contains_key(&index) => PageSlot::Overlay,
            Link::Zero => PageSlot::Empty,
            _ => PageSlot::Backing,
        })
    }

    /// What page `index` reads as.
    ///
    /// # Errors
    /// [`CapError::OutOfRange`]; [`CapError::OutOfPages`] for a page that has to be put together from parts of others.
    pub fn page_at(&self, index: u64) -> Result<PageAt<S::Page>, CapError> {
        self.check_page(index)?;
        Ok(match self.leaf(index) {
            Link::Page(page) if is_zero(page.bytes()) => PageAt::Zero,
            Link::Page(page) => PageAt::Bytes(Arc::clone(page)),
            Link::Missing(root) => PageAt::Missing(**root),
            Link::Zero | Link::Branch(_) => PageAt::Zero,
            leaf @ Link::Spliced(_) => PageAt::Bytes(Arc::new(self.copy_of(leaf)?)),
        })
    }

    /// Copies the bytes from `offset` on to `out`.
    ///
    /// # Errors
    /// [`CapError::BeyondEnd`]; [`CapError::Missing`] with `out` partly written.
    pub fn copy_into(&self, offset: u64, out: &mut [u8]) -> Result<(), CapError> {
        let (len, size) = (out.len() as u64, self.content_len());
        if offset.checked_add(len).is_none_or(|end| end > size) {
            return Err(CapError::BeyondEnd { offset, len, size });
        }
        let (mut at, mut rest) = (offset, out);
        while !rest.is_empty() {
            let start = at % PAGE_SIZE;
            let now = rest.len().min((PAGE_SIZE - start) as usize);
            let (chunk, later) = rest.split_at_mut(now);
            self.leaf(at / PAGE_SIZE).read(0, start, chunk)?;
            at += now as u64;
            rest = later;
        }
        Ok(())
    }

    /// Root of the page tree, without the size. Hashes what has not been hashed before.
    ///
    /// # Errors
    /// [`CapError::Dirty`].
    pub fn pages_root(&self) -> Result<Digest, CapError> {
        if self.is_dirty() {
            return Err(CapError::Dirty);
        }
        if self.page_count() == 0 {
            return Ok(Digest::ZERO);
        }
        Ok(self
            .backing
            .root
            .digest(self.backing.level(), self.store.hasher()))
    }

    /// The root: equal for equal bytes and sizes, and the id of an object of these bytes. Hashes what has not been hashed
    /// before.
    ///
    /// # Errors
    /// [`CapError::Dirty`].
    pub fn root(&self) -> Result<Digest, CapError> {
        Ok(self
            .store
            .hasher()
            .id(self.content_len(), &self.pages_root()?))
    }

    /// The pages as an object, with all rights. No page is copied.
    ///
    /// # Errors
    /// [`CapError::Dirty`].
    pub fn to_vmo(&self) -> Result<VmoHandle<S>, CapError> {
        if self.is_dirty() {
            return Err(CapError::Dirty);
        }
        let (root, level) = (self.backing.root.clone(), self.backing.level());
        Ok(VmoHandle::from_tree(
            self.store.clone(),
            root,
            level,
            self.content_len(),
        ))
    }

    /// The page as it is now, overlay before backing.
    fn leaf(&self, index: u64) -> &Link<S::Page> {
        self.overlay
            .get(&index)
            .unwrap_or_else(|| self.backed(index))
    }

    fn backed(&self, index: u64) -> &Link<S::Page> {
        self.backing.root.descend(self.backing.level(), 0, index)
    }

    /// A page of its own with the bytes of `leaf`.
    fn copy_of(&self, leaf: &Link<S::Page>) -> Result<Page<S::Page>, CapError> {
        let mut held = Ok(());
        let page = self.store.new_page(|bytes| held = leaf.read(0, 0, bytes))?;
        held?;
        Ok(page)
    }

    fn check_page(&self, index: u64) -> Result<(), CapError> {
        if index < self.page_count() {
            Ok(())
        } else {
            Err(self.out_of_range(index))
        }
    }

    /// Checks `count` pages from `first` on; none are always there.
    fn check_pages(&self, first: u64, count: u64) -> Result<(), CapError> {
        match count.checked_sub(1) {
            Some(others) => self.check_page(first.saturating_add(others)),
            None => Ok(()),
        }
    }

    fn out_of_range(&self, index: u64) -> CapError {
        let page_count = self.page_count();
        CapError::OutOfRange {
            index,
            start: 0,
            end: PAGE_SIZE as usize,
            page_count,
        }
    }

    /// A level 0 subtree for a page of which only the root is known.
    fn missing(&self, root: Digest) -> Link<S::Page> {
        if self.store.hasher().is_zero_root(&root) {
            Link::Zero
        } else {
            Link::Missing(Arc::new(root))
        }
    }
}
