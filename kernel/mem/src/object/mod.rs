//! Memory objects: what a mapping of a file, of shared memory or of a VMO shows.
//!
//! Roles: an object has pages by index. Those that can change are its own ([`own`]): each is one frame, which all mappings, reads
//! and writes share. Those that cannot are *content* ([`Content`]): they are known by their roots, and the frame of a root is the
//! page cache's, whichever objects have it. What has pages that are not an object's own is a [`Pager`]: content, or another torus that
//! lends them.
//!
//! Flow: a fault asks for a [`page`](MemoryObject::page), and gets a frame with a reference that the page-table entry takes over;
//! a write to a private page asks for a [`copy`](MemoryObject::copy).

mod content;
mod evict;
mod known;
mod named;
mod own;
mod pager;
mod pages;
mod source;

pub use evict::Way;
pub use known::Objects;
pub use named::Named;
pub use pager::{Look, Pager, Shown};
pub use source::{Content, PageSource, SourceError};

use crate::OfTorus as _;
use alloc::boxed::Box;
use alloc::sync::Arc;
use content::ContentPages;
use core::any::Any;
use fallible::NoMemory;
use known::known;
use own::OwnPages;
use sync::Lock;
use vm::frames::Owner;
use vm::hash::Digest;

/// A memory object.
pub struct MemoryObject {
    owner: Owner,
    pages: Pages,
    /// What `/proc/PID/maps` calls it.
    label: Lock<Option<Arc<[u8]>>>,
}

enum Pages {
    Own(OwnPages),
    Pager(Box<dyn Pager>),
}

/// A reference to an object, as mappings hold it.
#[derive(Clone)]
pub struct ObjectRef(pub Arc<MemoryObject>);

impl core::fmt::Debug for ObjectRef {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "object {:#x}", self.0.owner.0)
    }
}

impl vm::space::Object for ObjectRef {
    fn owner(&self) -> Owner {
        self.0.owner
    }

    fn is_content(&self) -> bool {
        self.0.is_content()
    }
}

#[expect(
    clippy::len_without_is_empty,
    reason = "a length in bytes, which may be 0 like any other"
)]
impl MemoryObject {
    /// An object of zeros of `len` bytes: shared anonymous memory.
    pub fn zero(len: u64) -> Result<ObjectRef, NoMemory> {
        Self::create(Pages::Own(OwnPages::new(None, len)))
    }

    /// The object of a file in memory, without a byte yet.
    pub fn file() -> Result<ObjectRef, NoMemory> {
        Self::create(Pages::Own(OwnPages::of_file(None, 0)))
    }

    /// The object of a source: the torus's one, when the source has an identity.
    pub fn of_source(source: Arc<dyn PageSource>) -> Result<ObjectRef, NoMemory> {
        let (identity, len) = (source.identity(), source.len());
        known(identity, || {
            Self::create(Pages::Own(OwnPages::new(Some(source), len)))
        })
    }

    /// The object of a file that begins as its source, and is changed.
    pub fn over(source: Arc<dyn PageSource>) -> Result<ObjectRef, NoMemory> {
        let len = source.len();
        Self::create(Pages::Own(OwnPages::of_file(Some(source), len)))
    }

    /// As [`MemoryObject::of_source`], of content.
    pub fn of_content(content: Arc<dyn Content>) -> Result<ObjectRef, NoMemory> {
        known(content.identity(), || {
            Self::of_pager(fallible::boxed(ContentPages(content))?)
        })
    }

    /// An object whose pages a pager supplies.
    pub fn of_pager(pager: Box<dyn Pager>) -> Result<ObjectRef, NoMemory> {
        Self::create(Pages::Pager(pager))
    }

    fn create(pages: Pages) -> Result<ObjectRef, NoMemory> {
        let torus = tori::here();
        let owner = torus.kept().names.object();
        let object = fallible::arc(Self {
            owner,
            pages,
            label: Lock::new(None),
        })?;
        torus.part::<Objects>().named.add(&object)?;
        Ok(ObjectRef(object))
    }

    /// Whether its pages never change.
    pub fn is_content(&self) -> bool {
        match &self.pages {
            Pages::Own(_) => false,
            Pages::Pager(pager) => pager.is_content(),
        }
    }

    /// A number by which every torus knows the same bytes.
    pub fn common_name(&self) -> Option<u64> {
        match &self.pages {
            Pages::Own(pages) => pages.common_name(),
            Pages::Pager(pager) => pager.common_name(),
        }
    }

    /// Its pager, if it is of this kind: for the layer that knows more of it.
    pub fn pager<P: Pager>(&self) -> Option<&P> {
        let Pages::Pager(pager) = &self.pages else {
            return None;
        };
        let any: &dyn Any = &**pager;
        any.downcast_ref()
    }

    /// What page `index` contributes to a tree, if it is content of this torus.
    pub fn root(&self, index: u64) -> Option<Digest> {
        match &self.pages {
            Pages::Pager(pager) => pager.root(index),
            Pages::Own(_) => None,
        }
    }

    /// Length in bytes; of an object of another torus only its home knows it.
    pub fn len(&self) -> u64 {
        match &self.pages {
            Pages::Own(own) => own.len(),
            Pages::Pager(pager) => pager.len(),
        }
    }

    /// Says by which path it was mapped last.
    pub fn set_name(&self, path: Arc<[u8]>) {
        let old = self.label.lock().replace(path);
        drop(old);
    }

    /// The path by which it was mapped last.
    pub fn name(&self) -> Option<Arc<[u8]>> {
        self.label.lock().clone()
    }
}

impl MemoryObject {
    /// Makes the object at least so long; what is added reads as zeros. Content stays as it is.
    pub fn extend(&self, len: u64) {
        if let Pages::Own(own) = &self.pages {
            own.extend(len);
        }
    }

    /// Sets the length. What lies beyond it is gone; the caller takes it out of every page table then. Content stays as it is.
    pub fn truncate(&self, len: u64) -> Result<(), SourceError> {
        match &self.pages {
            Pages::Own(own) => own.truncate(self.owner, len),
            Pages::Pager(_) => Ok(()),
        }
    }

    /// Takes an [`MemoryObject::extend`] back.
    pub fn retract(&self, len: u64) {
        if let Pages::Own(own) = &self.pages {
            own.retract(len);
        }
    }
}
