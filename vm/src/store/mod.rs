//! The store: where memory objects are made and where equal content is kept once.
//!
//! A store belongs to one torus. It has no list of its objects: a [`VmoHandle`](crate::vmo::VmoHandle) is the only way to one, and when the last goes,
//! what nobody else shares goes with it.

use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};

use spin::Mutex;

use crate::builder::VBuilder;
use crate::hash::{Digest, Hasher};
use crate::vmo::page::{OutOfPages, Page, PageMemory, PageSupply};
use crate::vmo::tree::Branch;

mod weak_map;

use weak_map::WeakMap;

/// What a store holds at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Memory objects.
    pub objects: usize,
    /// Distinct pages of objects whose id has been asked for.
    pub pages: usize,
    /// Distinct interior nodes of such objects.
    pub branches: usize,
}

/// Makes memory objects. Clones are the same store.
pub struct VmoStore<S: PageSupply>(pub(crate) Arc<StoreInner<S>>);

pub(crate) struct StoreInner<S: PageSupply> {
    pub(crate) supply: S,
    pub(crate) hasher: Hasher,
    pub(crate) objects: AtomicUsize,
    /// By root of the page.
    pages: Mutex<WeakMap<Digest, Page<S::Page>>>,
    branches: Mutex<KeptBranches<S::Page>>,
}

/// By level and root. The level matters: the bytes of a page can be chosen so that its root is that of a branch.
type KeptBranches<M> = WeakMap<(u8, Digest), Branch<M>>;

impl<S: PageSupply> Clone for VmoStore<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: PageSupply> fmt::Debug for VmoStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VmoStore").field(&self.counts()).finish()
    }
}

impl<S: PageSupply> VmoStore<S> {
    /// An empty store over `supply`.
    pub fn new(supply: S, hasher: Hasher) -> Self {
        Self(Arc::new(StoreInner {
            supply,
            hasher,
            objects: AtomicUsize::new(0),
            pages: Mutex::new(WeakMap::new()),
            branches: Mutex::new(WeakMap::new()),
        }))
    }

    /// The hasher, for its count of compressions.
    pub fn hasher(&self) -> &Hasher {
        &self.0.hasher
    }

    /// The supply of pages.
    pub fn supply(&self) -> &S {
        &self.0.supply
    }

    /// A builder of an object of at most `max_bytes`.
    pub fn bounded_builder(&self, max_bytes: u64) -> VBuilder<S> {
        VBuilder::new(self.clone(), Some(max_bytes))
    }

    /// A builder of an object of any size up to [`MAX_SIZE`](crate::vmo::MAX_SIZE).
    pub fn streaming_builder(&self) -> VBuilder<S> {
        VBuilder::new(self.clone(), None)
    }

    /// Counts of what is alive; looks at every kept page and branch.
    pub fn counts(&self) -> Counts {
        Counts {
            objects: self.0.objects.load(Ordering::Relaxed),
            pages: self.0.pages.lock().sweep(S::Page::pause),
            branches: self.0.branches.lock().sweep(S::Page::pause),
        }
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn new_page(
        &self,
        fill: impl FnOnce(&mut crate::hash::PageBytes),
    ) -> Result<Page<S::Page>, OutOfPages> {
        crate::vmo::page::page_with(&self.0.supply, fill)
    }
}

impl<S: PageSupply> StoreInner<S> {
    pub(crate) fn kept_page(&self, root: &Digest) -> Option<Arc<Page<S::Page>>> {
        self.pages.lock().get(root)
    }

    pub(crate) fn keep_page(&self, root: Digest, page: Arc<Page<S::Page>>) -> Arc<Page<S::Page>> {
        self.pages.lock().get_or_insert(root, &page)
    }

    pub(crate) fn kept_branch(&self, level: u8, root: &Digest) -> Option<Arc<Branch<S::Page>>> {
        self.branches.lock().get(&(level, *root))
    }

    pub(crate) fn keep_branch(
        &self,
        level: u8,
        root: Digest,
        branch: Arc<Branch<S::Page>>,
    ) -> Arc<Branch<S::Page>> {
        self.branches.lock().get_or_insert((level, root), &branch)
    }
}
