//! Memory objects and the handles to them.
//!
//! Roles: a [`VmoHandle`] is a capability: an object and what its holder may do with it. The object itself is immutable bytes,
//! held as a rope of extents until its id is asked for, and as its page tree from then on; only the form changes.
//!
//! Typical flow: a [`VBuilder`](crate::builder::VBuilder) commits; the handle is sliced, joined and patched into other objects,
//! none of which copies what it shares; [`id`](VmoHandle::id) hashes what no one has hashed before; a mapping asks for
//! [`page`](VmoHandle::page) on each fault.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use core::sync::atomic::Ordering;

use bitflags::bitflags;
use spin::RwLock;
use thiserror::Error;

use crate::hash::{Digest, MAX_LEVEL};
use crate::store::VmoStore;

mod canonical;
mod diff;
mod make;
pub mod page;
mod patch;
mod rope;
#[cfg(test)]
mod rope_tests;
pub(crate) mod tree;

pub use patch::Patch;

use page::{OutOfPages, PAGE_SIZE, Page, PageSupply};
use rope::{Piece, Rope, is_fragment};
use tree::{Link, MissingPage, capacity, level_for};

/// Bytes of the largest object.
pub const MAX_SIZE: u64 = capacity(MAX_LEVEL);

/// Two neighbouring parts of pages with no more bytes than this are copied into one page when objects are joined.
const SMALL: u64 = PAGE_SIZE / 4;

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

/// Why an operation on an object was refused; it has then changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum VmoError {
    /// Bytes beyond the end, or a range that ends before it begins.
    #[error("bytes {start}..{end} are not within an object of {size} bytes")]
    OutOfRange {
        /// First byte asked for.
        start: u64,
        /// End of the range asked for; `u64::MAX` if it lies beyond.
        end: u64,
        /// Size of the object.
        size: u64,
    },
    /// The result would exceed [`MAX_SIZE`].
    #[error("an object can't be larger than 2^63 bytes")]
    TooLarge,
    /// The handle lacks these rights.
    #[error("the handle lacks the rights {0:?}")]
    Denied(Rights),
    /// The handles are of different stores.
    #[error("the objects belong to different stores")]
    ForeignStore,
    /// A page is named twice.
    #[error("page {0} is named twice")]
    Duplicate(u64),
    /// The last page has bytes other than zero after the end of the object.
    #[error("the last page is not zero after the end of the object")]
    DirtyTail,
    /// Two patches of one call change the same byte.
    #[error("two patches change byte {0}")]
    Overlap(u64),
    /// A page is needed of which only the root is held.
    #[error("page {0} is not held")]
    Missing(Digest),
    /// No memory is left for a page.
    #[error(transparent)]
    OutOfPages(#[from] OutOfPages),
}

impl From<MissingPage> for VmoError {
    fn from(MissingPage(root): MissingPage) -> Self {
        Self::Missing(root)
    }
}

/// What a mapping of an object finds at a page.
#[derive(Debug)]
pub enum PageView<M> {
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

    /// The bytes of `range` as an object of their own, with the rights of this handle. Nothing is copied.
    ///
    /// # Errors
    /// [`VmoError::OutOfRange`], [`VmoError::Denied`] without [`Rights::READ`].
    pub fn slice(&self, range: Range<u64>) -> Result<Self, VmoError> {
        self.demand(Rights::READ)?;
        self.check_range(range.start, Some(range.end))?;
        let rope = self.rope().slice(range.start, range.end);
        Ok(Self::new(self.vmo.store.clone(), rope, self.rights))
    }

    /// This object followed by `next`, with the rights that both handles have. Nothing is copied but small parts of pages.
    ///
    /// # Errors
    /// [`VmoError::Denied`] without [`Rights::READ`] on both, [`VmoError::ForeignStore`], [`VmoError::TooLarge`].
    pub fn concat(&self, next: &Self) -> Result<Self, VmoError> {
        self.demand(Rights::READ)?;
        next.demand(Rights::READ)?;
        let store = &self.vmo.store;
        if !store.is_same(&next.vmo.store) {
            return Err(VmoError::ForeignStore);
        }
        if self
            .size()
            .checked_add(next.size())
            .is_none_or(|size| size > MAX_SIZE)
        {
            return Err(VmoError::TooLarge);
        }
        let rope = Rope::concat(self.rope(), next.rope(), |a, b| merge_small(store, a, b));
        Ok(Self::new(store.clone(), rope, self.rights & next.rights))
    }

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

    /// The id if it has been asked for before; never hashes.
    pub fn known_id(&self) -> Option<Digest> {
        self.vmo
            .state
            .read()
            .canonical
            .as_ref()
            .map(|canonical| canonical.id)
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

    /// The page tree, hashed; replaces the rope by it, so that equal content is held once from now on.
    fn canonical(&self) -> Result<Canonical<S>, VmoError> {
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

    /// Ranges of page numbers at which the two objects differ, found by walking both page trees side by side. A page beyond
    /// the end of one object counts as zeros; the sizes themselves are not compared.
    ///
    /// # Errors
    /// As [`id`](Self::id), on either object.
    pub fn diff(&self, other: &Self) -> Result<Vec<Range<u64>>, VmoError> {
        let (a, b) = (self.canonical()?, other.canonical()?);
        let (a, b) = (
            (&a.root, level_for(self.size())),
            (&b.root, level_for(other.size())),
        );
        Ok(diff::differing(
            a,
            &self.vmo.store.0.hasher,
            b,
            &other.vmo.store.0.hasher,
        ))
    }
}

/// One page in place of two small neighbouring parts, if there is memory for it.
fn merge_small<S: PageSupply>(
    store: &VmoStore<S>,
    a: &Piece<S::Page>,
    b: &Piece<S::Page>,
) -> Option<Piece<S::Page>> {
    let len = a.len + b.len;
    if len > SMALL || !is_fragment(a) || !is_fragment(b) {
        return None;
    }
    let mut held = Ok(());
    let page = store.new_page(|bytes| {
        let (first, second) = bytes[..len as usize].split_at_mut(a.len as usize);
        held = a.read(0, first).and_then(|()| b.read(0, second));
    });
    held.ok()?;
    Some(Piece {
        link: Link::Page(Arc::new(page.ok()?)),
        level: 0,
        start: 0,
        len,
    })
}
