//! Page memory: where the bytes of memory objects live, and who supplies it.
//!
//! Roles: a [`PageSupply`] hands out page-aligned memory, the heap on the host ([`HeapPages`]) and frames of a torus's pool in
//! the kernel; a [`PageMemory`] is one such page, given back when it is dropped; a [`Page`] adds the root of its bytes, computed
//! when first asked for.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};

use spin::Once;
use thiserror::Error;

use crate::hash::{Digest, Hasher, PageBytes};

/// Bytes in a page, as sizes of objects count them.
pub(crate) const PAGE_SIZE: u64 = crate::addr::PAGE_SIZE as u64;

/// No memory is left for another page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("out of page memory")]
pub struct OutOfPages;

/// One page of memory, aligned to its size and fit to be mapped.
pub trait PageMemory: Send + Sync + 'static {
    /// The bytes.
    fn bytes(&self) -> &PageBytes;

    /// The bytes for writing; `None` for memory that can't be written, such as a page of the boot image.
    fn bytes_mut(&mut self) -> Option<&mut PageBytes>;

    /// Called at each page and each node on the way through a tree, also where it is dropped: a kernel lets interrupts in here, and need
    /// not do so every time. Between two calls lie about two thousand instructions at the most.
    fn pause() {}
}

/// Where pages come from.
pub trait PageSupply: Send + Sync + 'static {
    /// A page of this supply; it returns to the supply when dropped.
    type Page: PageMemory;

    /// A writable page of zeros.
    ///
    /// # Errors
    /// [`OutOfPages`] when there is none.
    fn zeroed(&self) -> Result<Self::Page, OutOfPages>;
}

/// A page and the root of its bytes, once known.
pub struct Page<M: PageMemory> {
    memory: M,
    leaf: Once<Digest>,
}

impl<M: PageMemory> Page<M> {
    /// A page whose root is not known yet.
    pub const fn new(memory: M) -> Self {
        Self {
            memory,
            leaf: Once::new(),
        }
    }

    /// A page of which somebody else has computed what it contributes to a tree. Only for the boot image, whose builder does
    /// this and which is trusted as the kernel is: with a wrong digest, other content would be taken for this page.
    pub fn vouched(memory: M, leaf: Digest) -> Self {
        Self {
            memory,
            leaf: Once::initialized(leaf),
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &PageBytes {
        self.memory.bytes()
    }

    /// What holds the bytes: what a kernel maps.
    pub const fn memory(&self) -> &M {
        &self.memory
    }

    /// What the page contributes to a tree, hashed on first use: its root, or [`Digest::ZERO`] for a page of zeros.
    pub fn leaf(&self, hasher: &Hasher) -> Digest {
        *self.leaf.call_once(|| hasher.leaf(self.bytes()))
    }

    /// The same if it has been computed already; never hashes.
    pub fn known_leaf(&self) -> Option<Digest> {
        self.leaf.get().copied()
    }

    /// The bytes for writing; forgets the root. `None` if the memory can't be written.
    pub fn bytes_mut(&mut self) -> Option<&mut PageBytes> {
        self.leaf = Once::new();
        self.memory.bytes_mut()
    }
}

impl<M: PageMemory> Drop for Page<M> {
    fn drop(&mut self) {
        M::pause();
    }
}

impl<M: PageMemory> fmt::Debug for Page<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Page").field(&self.leaf.get()).finish()
    }
}

/// A fresh page of zeros after `fill` has written to it.
pub(crate) fn page_with<S: PageSupply>(
    supply: &S,
    fill: impl FnOnce(&mut PageBytes),
) -> Result<Page<S::Page>, OutOfPages> {
    let mut page = Page::new(supply.zeroed()?);
    fill(page.bytes_mut().ok_or(OutOfPages)?);
    S::Page::pause();
    Ok(page)
}

/// Pages from the heap, at most a given number at a time.
#[derive(Clone, Debug)]
pub struct HeapPages {
    live: Arc<AtomicUsize>,
    limit: usize,
}

impl HeapPages {
    /// At most `limit` pages at a time.
    pub fn limited(limit: usize) -> Self {
        Self {
            live: Arc::new(AtomicUsize::new(0)),
            limit,
        }
    }

    /// As many as the heap gives.
    pub fn unlimited() -> Self {
        Self::limited(usize::MAX)
    }

    /// Pages that are in use now.
    pub fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }
}

#[repr(C, align(4096))]
struct Aligned(PageBytes);

/// A page of [`HeapPages`].
pub struct HeapPage {
    bytes: Box<Aligned>,
    live: Arc<AtomicUsize>,
}

impl PageMemory for HeapPage {
    fn bytes(&self) -> &PageBytes {
        &self.bytes.0
    }

    fn bytes_mut(&mut self) -> Option<&mut PageBytes> {
        Some(&mut self.bytes.0)
    }
}

impl Drop for HeapPage {
    fn drop(&mut self) {
        self.live.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for HeapPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeapPage").finish_non_exhaustive()
    }
}

impl PageSupply for HeapPages {
    type Page = HeapPage;

    fn zeroed(&self) -> Result<HeapPage, OutOfPages> {
        let below_limit = |live| (live < self.limit).then_some(live + 1);
        self.live
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, below_limit)
            .map_err(|_| OutOfPages)?;
        Ok(HeapPage {
            bytes: Box::new(Aligned([0; 4096])),
            live: Arc::clone(&self.live),
        })
    }
}
