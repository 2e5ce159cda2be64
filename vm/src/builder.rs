//! Builders: the only way to write a memory object.
//!
//! A builder's bytes are private until [`commit`](VBuilder::commit) seals them; from then on every use is an error. Dropping a
//! builder frees all it holds. A refused call leaves the builder as it was.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::fmt;

use thiserror::Error;

use crate::store::VmoStore;
use crate::vmo::page::{OutOfPages, PAGE_SIZE, Page, PageMemory, PageSupply};
use crate::vmo::tree::{Link, level_for};
use crate::vmo::{MAX_SIZE, VmoHandle};

/// Why a call of a builder was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BuilderError {
    /// The builder has been committed.
    #[error("the builder is committed")]
    Committed,
    /// The object would exceed its bound.
    #[error("{wanted} bytes exceed the bound of {bound} bytes")]
    BoundExceeded {
        /// Size that the object would have; `u64::MAX` if it is larger still.
        wanted: u64,
        /// The bound of the builder, or [`MAX_SIZE`].
        bound: u64,
    },
    /// A patch beyond the bytes appended so far.
    #[error("a patch of {len} bytes at {offset} reaches beyond the end at {size}")]
    PatchBeyondEnd {
        /// Where the patch begins.
        offset: u64,
        /// Bytes of the patch.
        len: u64,
        /// Bytes appended so far.
        size: u64,
    },
    /// No memory is left for a page.
    #[error(transparent)]
    OutOfPages(#[from] OutOfPages),
}

/// Builds one memory object by appending and patching.
pub struct VBuilder<S: PageSupply> {
    store: VmoStore<S>,
    /// `None` once committed.
    log: Option<Log<S>>,
    bound: u64,
}

/// What has been written so far. Pages that are not named are zeros.
struct Log<S: PageSupply> {
    pages: BTreeMap<u64, Page<S::Page>>,
    size: u64,
}

impl<S: PageSupply> VBuilder<S> {
    pub(crate) fn new(store: VmoStore<S>, bound: Option<u64>) -> Self {
        let log = Log {
            pages: BTreeMap::new(),
            size: 0,
        };
        Self {
            store,
            log: Some(log),
            bound: bound.unwrap_or(MAX_SIZE).min(MAX_SIZE),
        }
    }

    /// Bytes appended so far.
    ///
    /// # Errors
    /// [`BuilderError::Committed`].
    pub fn size(&self) -> Result<u64, BuilderError> {
        Ok(self.log.as_ref().ok_or(BuilderError::Committed)?.size)
    }

    /// Checks that so many bytes may be added.
    ///
    /// # Errors
    /// [`BuilderError::Committed`], [`BuilderError::BoundExceeded`].
    pub fn check_append(&self, len: u64) -> Result<(), BuilderError> {
        let log = self.log.as_ref().ok_or(BuilderError::Committed)?;
        log.grown(len, self.bound).map(drop)
    }

    /// Pages that it holds.
    pub fn stored(&self) -> u64 {
        self.log.as_ref().map_or(0, |log| log.pages.len() as u64)
    }

    /// Adds `bytes` at the end.
    ///
    /// # Errors
    /// [`BuilderError::Committed`], [`BuilderError::BoundExceeded`], [`BuilderError::OutOfPages`].
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), BuilderError> {
        let bound = self.bound;
        let log = self.log.as_mut().ok_or(BuilderError::Committed)?;
        let size = log.grown(bytes.len() as u64, bound)?;
        log.populate(&self.store, log.size, bytes)?;
        log.write(log.size, bytes);
        log.size = size;
        Ok(())
    }

    /// Adds `len` zero bytes at the end; they need no page.
    ///
    /// # Errors
    /// [`BuilderError::Committed`], [`BuilderError::BoundExceeded`].
    pub fn append_zeros(&mut self, len: u64) -> Result<(), BuilderError> {
        let log = self.log.as_mut().ok_or(BuilderError::Committed)?;
        log.size = log.grown(len, self.bound)?;
        Ok(())
    }

    /// Replaces bytes that have been appended before.
    ///
    /// # Errors
    /// [`BuilderError::Committed`], [`BuilderError::PatchBeyondEnd`], [`BuilderError::OutOfPages`].
    pub fn patch(&mut self, offset: u64, bytes: &[u8]) -> Result<(), BuilderError> {
        let log = self.log.as_mut().ok_or(BuilderError::Committed)?;
        let (len, size) = (bytes.len() as u64, log.size);
        if offset.checked_add(len).is_none_or(|end| end > size) {
            return Err(BuilderError::PatchBeyondEnd { offset, len, size });
        }
        log.populate(&self.store, offset, bytes)?;
        log.write(offset, bytes);
        Ok(())
    }

    /// Seals the object and returns a handle with all rights. Hashes nothing.
    ///
    /// # Errors
    /// [`BuilderError::Committed`] if this was done before.
    pub fn commit(&mut self) -> Result<VmoHandle<S>, BuilderError> {
        let log = self.log.take().ok_or(BuilderError::Committed)?;
        let leaves = log
            .pages
            .into_iter()
            .map(|(index, page)| (index, Link::page(Arc::new(page))));
        let level = level_for(log.size);
        let tree = Link::Zero.updated(level, 0, &mut leaves.peekable());
        Ok(VmoHandle::from_tree(
            self.store.clone(),
            tree,
            level,
            log.size,
        ))
    }
}

impl<S: PageSupply> Log<S> {
    fn grown(&self, len: u64, bound: u64) -> Result<u64, BuilderError> {
        let wanted = self.size.saturating_add(len);
        if wanted > bound {
            Err(BuilderError::BoundExceeded { wanted, bound })
        } else {
            Ok(wanted)
        }
    }

    /// Makes the pages that `bytes` at `offset` need, so that writing can't fail half way; zeros need none.
    fn populate(
        &mut self,
        store: &VmoStore<S>,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), OutOfPages> {
        let mut made = alloc::vec::Vec::new();
        for (index, _, chunk) in chunks(offset, bytes) {
            if !self.pages.contains_key(&index) && !crate::hash::is_zero(chunk) {
                made.push((index, store.new_page(|_| ())?));
            }
        }
        self.pages.extend(made);
        Ok(())
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) {
        for (index, start, chunk) in chunks(offset, bytes) {
            S::Page::pause();
            if let Some(page) = self.pages.get_mut(&index).and_then(Page::bytes_mut) {
                page[start..start + chunk.len()].copy_from_slice(chunk);
            }
        }
    }
}

/// `bytes` at `offset` cut at page borders: page number, offset in the page, bytes.
fn chunks(offset: u64, bytes: &[u8]) -> impl Iterator<Item = (u64, usize, &[u8])> {
    let mut rest = (offset, bytes);
    core::iter::from_fn(move || {
        let (at, bytes) = rest;
        let start = (at % PAGE_SIZE) as usize;
        let len = bytes.len().min(PAGE_SIZE as usize - start);
        let (chunk, later) = bytes.split_at_checked(len).filter(|_| len > 0)?;
        rest = (at + len as u64, later);
        Some((at / PAGE_SIZE, start, chunk))
    })
}

impl<S: PageSupply> fmt::Debug for VBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VBuilder")
            .field("size", &self.size())
            .field("bound", &self.bound)
            .finish()
    }
}
