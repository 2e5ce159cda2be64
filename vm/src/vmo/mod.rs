//! Memory objects and the handles to them.
//!
//! Roles: a [`VmoHandle`] is a capability: an object and what its holder may do with it. The object itself is immutable bytes,
//! held as a rope of extents until its id is asked for, and as its page tree from then on; only the form changes.
//!
//! Typical flow: a [`VBuilder`](crate::builder::VBuilder) commits; the handle is sliced, joined and patched into other objects,
//! none of which copies what it shares; [`id`](VmoHandle::id) hashes what no one has hashed before; a mapping asks for
//! [`page`](VmoHandle::page) on each fault.

use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::Ordering;

use bitflags::bitflags;
use spin::RwLock;

use crate::hash::{Digest, MAX_LEVEL};
use crate::store::VmoStore;

mod canonical;
mod diff;
mod error;
mod identity;
mod join;
mod make;
pub mod page;
mod patch;
mod rope;
pub(crate) mod tree;

pub use error::VmoError;
pub use patch::Patch;

use page::{PAGE_SIZE, Page, PageMemory, PageSupply};
use rope::Rope;
use tree::{Link, capacity};

/// Bytes of the largest object.
pub const MAX_SIZE: u64 = capacity(MAX_LEVEL);

bitflags! {
    /// What the holder of a handle may do with the object.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Rights: u8 {
        /// Read bytes, ask for the id, and make other objects of it.
        const READ = 1;
        /// Map pages.
        const MAP = 1 << 1;
        /// Map pages executable.
        const EXECUTE = 1 << 2;
        /// Give the handle, or a copy of it, to somebody else.
        const TRANSFER = 1 << 3;
    }
}

/// What a mapping of an object finds at a page.
#[derive(Debug)]
pub enum PageView<M: PageMemory> {
    /// Zeros.
    Zero,
    /// A page to be mapped as it is. Its [`known_leaf`](Page::known_leaf) is there once the id has been asked for.
    Page(Arc<Page<M>>),
    /// No single page holds these bytes: read them into one.
    Assemble,
    /// Only the root is held.
    Missing(Digest),
}

struct Vmo<S: PageSupply> {
    store: VmoStore<S>,
    size: u64,
    state: RwLock<State<S>>,
}

struct State<S: PageSupply> {
    rope: Rope<S::Page>,
    canonical: Option<Canonical<S>>,
}

/// The page tree of an object, hashed and interned.
struct Canonical<S: PageSupply> {
    root: Link<S::Page>,
    id: Digest,
}

impl<S: PageSupply> Clone for Canonical<S> {
    fn clone(&self) -> Self {
        Self {
            root: self.root.clone(),
            id: self.id,
        }
    }
}

impl<S: PageSupply> Drop for Vmo<S> {
    fn drop(&mut self) {
        self.store.0.objects.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A capability to a memory object. A clone is the same object with the same rights.
pub struct VmoHandle<S: PageSupply> {
    vmo: Arc<Vmo<S>>,
    rights: Rights,
}

impl<S: PageSupply> Clone for VmoHandle<S> {
    fn clone(&self) -> Self {
        Self {
            vmo: Arc::clone(&self.vmo),
            rights: self.rights,
        }
    }
}

impl<S: PageSupply> fmt::Debug for VmoHandle<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VmoHandle({} bytes, {:?})", self.size(), self.rights)
    }
}

impl<S: PageSupply> VmoHandle<S> {
    fn new(store: VmoStore<S>, rope: Rope<S::Page>, rights: Rights) -> Self {
        store.0.objects.fetch_add(1, Ordering::Relaxed);
        let size = rope.len();
        let state = RwLock::new(State {
            rope,
            canonical: None,
        });
        Self {
            vmo: Arc::new(Vmo { store, size, state }),
            rights,
        }
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        self.vmo.size
    }

    /// Pages, the last of which may be partly beyond the end.
    pub fn page_count(&self) -> u64 {
        self.size().div_ceil(PAGE_SIZE)
    }

    /// What this handle allows.
    pub const fn rights(&self) -> Rights {
        self.rights
    }

    /// A handle to the same object with `rights` only.
    ///
    /// # Errors
    /// [`VmoError::Denied`] if `rights` are not all among those of this handle.
    pub fn restrict(&self, rights: Rights) -> Result<Self, VmoError> {
        self.demand(rights)?;
        Ok(Self {
            vmo: Arc::clone(&self.vmo),
            rights,
        })
    }

    /// Checks that the handle has `rights`.
    ///
    /// # Errors
    /// [`VmoError::Denied`] with the rights that it lacks.
    pub fn demand(&self, rights: Rights) -> Result<(), VmoError> {
        let lacking = rights.difference(self.rights);
        if lacking.is_empty() {
            Ok(())
        } else {
            Err(VmoError::Denied(lacking))
        }
    }

    /// Copies the bytes from `offset` on to `out`.
    ///
    /// # Errors
    /// [`VmoError::OutOfRange`], [`VmoError::Denied`] without [`Rights::READ`], [`VmoError::Missing`] with `out` partly written.
    pub fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), VmoError> {
        self.demand(Rights::READ)?;
        self.check_range(offset, offset.checked_add(out.len() as u64))?;
        Ok(self.rope().read(offset, out)?)
    }

    /// Pages and parts of pages that are not zeros, counted up to `most`: what the object, or its page tree, takes of memory goes by
    /// this number, and not by its size.
    pub fn stored(&self, most: u64) -> u64 {
        self.vmo.state.read().rope.stored(most)
    }

    /// What page `index` contributes to the page tree. Neither hashes nor allocates once the id has been asked for.
    ///
    /// # Errors
    /// [`VmoError::Denied`] without [`Rights::MAP`], [`VmoError::OutOfRange`], [`VmoError::Missing`].
    pub fn leaf(&self, index: u64) -> Result<Digest, VmoError> {
        self.check_page(index)?;
        let rope = &self.vmo.state.read().rope;
        let (start, hasher) = (index * PAGE_SIZE, &self.vmo.store.0.hasher);
        if let Some(link) = canonical::aligned(rope, 0, start) {
            return Ok(link.digest(0, hasher));
        }
        let mut page = [0; PAGE_SIZE as usize];
        let held = (self.size() - start).min(PAGE_SIZE) as usize;
        rope.read(start, &mut page[..held])?;
        Ok(hasher.leaf(&page))
    }

    /// What a mapping finds at page `index`. Neither hashes nor allocates.
    ///
    /// # Errors
    /// [`VmoError::Denied`] without [`Rights::MAP`], [`VmoError::OutOfRange`].
    pub fn page(&self, index: u64) -> Result<PageView<S::Page>, VmoError> {
        self.check_page(index)?;
        let start = index * PAGE_SIZE;
        Ok(
            match canonical::aligned(&self.vmo.state.read().rope, 0, start) {
                Some(Link::Zero) => PageView::Zero,
                Some(Link::Page(page)) => PageView::Page(page),
                Some(Link::Missing(root)) => PageView::Missing(*root),
                Some(Link::Spliced(_) | Link::Branch(_)) | None => PageView::Assemble,
            },
        )
    }

    fn check_page(&self, index: u64) -> Result<(), VmoError> {
        self.demand(Rights::MAP)?;
        if index < self.page_count() {
            return Ok(());
        }
        let start = index.saturating_mul(PAGE_SIZE);
        Err(VmoError::OutOfRange {
            start,
            end: start.saturating_add(1),
            size: self.size(),
        })
    }

    fn rope(&self) -> Rope<S::Page> {
        self.vmo.state.read().rope.clone()
    }

    fn check_range(&self, start: u64, end: Option<u64>) -> Result<(), VmoError> {
        match end {
            Some(end) if start <= end && end <= self.size() => Ok(()),
            _ => Err(VmoError::OutOfRange {
                start,
                end: end.unwrap_or(u64::MAX),
                size: self.size(),
            }),
        }
    }
}
