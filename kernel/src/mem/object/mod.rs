//! Memory objects: what a mapping of a file, of shared memory or of a VMO shows.
//!
//! Roles: an object has pages by index. Those that can change are its own ([`own`]): each is one frame, which all mappings, reads
//! and writes share. Those that cannot are *content* ([`Content`]): they are known by their roots, and the frame of a root is the
//! page cache's, whichever objects have it. An object of another torus is *far*: its home lends its pages ([`lease`](crate::migrate::lease)).
//!
//! Flow: a fault asks for a [`page`](MemoryObject::page), and gets a frame with a reference that the page-table entry takes over;
//! a write to a private page asks for a [`copy`](MemoryObject::copy).

mod evict;
mod named;
mod own;

pub use evict::Way;
pub use named::Named;

use super::held::Held;
use super::page_cache::Search;
use crate::arch::cpu;
use crate::migrate::lease::{Far, holder};
use crate::sched::lock::Lock;
use crate::sched::pieces;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::archive::NodeId;
use fallible::{NoMemory, TryVec};
use own::OwnPages;
use vm::addr::Frame;
use vm::frames::{Owner, Use};
use vm::hash::{Digest, PageBytes};

/// Bytes per page.
pub const PAGE: usize = 4096;

/// A page of an object could not be produced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceError {
    /// The page lies wholly beyond the end: SIGBUS.
    BeyondEnd,
    /// Files in memory have as many pages as they may: SIGBUS, or ENOSPC.
    Full,
    /// No memory for it.
    NoMemory,
    /// It is on its way from the swap disk: whoever waits is enrolled.
    Wait,
    /// The swap disk has lost it.
    Lost,
}

impl From<NoMemory> for SourceError {
    fn from(_: NoMemory) -> Self {
        Self::NoMemory
    }
}

impl From<SourceError> for Stop {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::BeyondEnd => Errno::EFAULT.into(),
            SourceError::Full => Errno::ENOSPC.into(),
            SourceError::NoMemory => Errno::ENOMEM.into(),
            SourceError::Wait => Self::Memory,
            SourceError::Lost => Errno::EIO.into(),
        }
    }
}

/// Bytes that never change, by page.
pub trait PageSource: Send + Sync {
    /// Length in bytes.
    fn len(&self) -> u64;

    /// Writes page `index` (its tail beyond `len` zeroed) to `page`, which arrives zeroed.
    fn fill(&self, index: u64, page: &mut PageBytes) -> Result<(), SourceError>;

    /// Its number, if it is a file of the boot archive, which every torus has.
    fn boot_file(&self) -> Option<NodeId> {
        None
    }

    /// A number that sources of the same bytes share and no others, so that they share one object per torus.
    fn identity(&self) -> Option<u64> {
        None
    }
}

/// Bytes that never change, of whose pages the roots are known: their frames are the page cache's.
pub trait Content: PageSource {
    /// What page `index` contributes to a tree; asked only for pages within the length. Neither hashes nor allocates.
    fn leaf(&self, index: u64) -> Result<Digest, SourceError>;

    /// The frame in which page `index` is held, if it is.
    fn frame(&self, _index: u64) -> Option<Held> {
        None
    }
}

/// What an object shows at a page.
#[derive(Debug)]
pub enum Shown {
    /// Zeros.
    Zero,
    /// A frame.
    Frame(Held),
    /// A frame of another torus, which lends it to all who map the object here.
    Lent(Frame),
}

/// A look at an object's pages.
pub enum Look<'a> {
    /// At its own.
    Own(own::Look<'a>),
    /// At those that the page cache has.
    Content(&'a dyn Content, Search<'a>),
    /// At those that another torus keeps, and this one has too.
    Far(&'a Far, Owner),
}

impl Look<'_> {
    /// The frame of page `index`, if it is there already.
    #[inline]
    pub fn frame(&mut self, index: u64) -> Option<Held> {
        match self {
            Self::Own(own) => own.frame(index),
            Self::Content(content, cache) => {
                let root = content.leaf(index).ok()?;
                cache.find(&root, index)
            }
            Self::Far(far, owner) => far.present(*owner, index),
        }
    }
}

/// A memory object.
pub struct MemoryObject {
    owner: Owner,
    pages: Pages,
    /// What `/proc/PID/maps` calls it.
    label: Lock<Option<Arc<[u8]>>>,
}

enum Pages {
    Own(OwnPages),
    Content(Arc<dyn Content>),
    Far(Far),
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
        match &self.0.pages {
            Pages::Own(_) => false,
            Pages::Content(_) => true,
            Pages::Far(far) => far.is_content(),
        }
    }
}

impl MemoryObject {
    /// An object of zeros of `len` bytes: shared anonymous memory.
    pub fn zero(len: u64) -> Result<ObjectRef, Errno> {
        Self::create(Pages::Own(OwnPages::new(None, len)))
    }

    /// The object of a file in memory, without a byte yet.
    pub fn file() -> Result<ObjectRef, Errno> {
        Self::create(Pages::Own(OwnPages::of_file(None, 0)))
    }

    /// The object of a source: the torus's one, when the source has an identity.
    pub fn of_source(source: Arc<dyn PageSource>) -> Result<ObjectRef, Errno> {
        let (identity, len) = (source.identity(), source.len());
        known(identity, || {
            Self::create(Pages::Own(OwnPages::new(Some(source), len)))
        })
    }

    /// The object of a file that begins as its source, and is changed.
    pub fn over(source: Arc<dyn PageSource>) -> Result<ObjectRef, Errno> {
        let len = source.len();
        Self::create(Pages::Own(OwnPages::of_file(Some(source), len)))
    }

    /// As [`MemoryObject::of_source`], of content.
    pub fn of_content(content: Arc<dyn Content>) -> Result<ObjectRef, Errno> {
        known(content.identity(), || Self::create(Pages::Content(content)))
    }

    /// An object of another torus.
    pub fn far_away(far: Far) -> Result<ObjectRef, Errno> {
        Self::create(Pages::Far(far))
    }

    fn create(pages: Pages) -> Result<ObjectRef, Errno> {
        let share = &cpu::this().torus().share;
        let owner = share.names.object();
        let object = fallible::arc(Self {
            owner,
            pages,
            label: Lock::new(None),
        })?;
        share.named.add(&object)?;
        Ok(ObjectRef(object))
    }

    /// The number of the boot archive's file that it shows.
    pub fn boot_file(&self) -> Option<NodeId> {
        match &self.pages {
            Pages::Own(pages) => pages.boot_file(),
            Pages::Content(content) => content.boot_file(),
            Pages::Far(_) => None,
        }
    }

    /// What it is called between tori, if another one is its home.
    pub fn far(&self) -> Option<&Far> {
        match &self.pages {
            Pages::Far(far) => Some(far),
            Pages::Own(_) | Pages::Content(_) => None,
        }
    }

    /// What page `index` contributes to a tree, if it is content of this torus.
    pub fn root(&self, index: u64) -> Option<Digest> {
        match &self.pages {
            Pages::Content(content) => leaf(&**content, index).ok(),
            Pages::Own(_) | Pages::Far(_) => None,
        }
    }

    /// Length in bytes. Of a far object only its home knows it.
    pub fn len(&self) -> u64 {
        match &self.pages {
            Pages::Own(own) => own.len(),
            Pages::Content(content) => content.len(),
            Pages::Far(_) => u64::MAX,
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

    /// The first page from `index` on that has content, as far as this torus knows.
    pub fn next_stored(&self, index: u64) -> Option<u64> {
        match &self.pages {
            Pages::Own(own) => own.next_stored(index),
            Pages::Content(content) => {
                (index < content.len().div_ceil(PAGE as u64)).then_some(index)
            }
            Pages::Far(_) => None,
        }
    }

    /// What page `index` shows; its frame is made when it is not there.
    pub fn page(&self, index: u64) -> Result<Shown, SourceError> {
        match &self.pages {
            Pages::Own(own) => own.page(self.owner, index).map(Shown::Frame),
            Pages::Content(content) => self.content_page(&**content, index),
            Pages::Far(far) => far.page(self.owner, index),
        }
    }

    fn content_page(&self, content: &dyn Content, index: u64) -> Result<Shown, SourceError> {
        let root = leaf(content, index)?;
        if root == Digest::ZERO {
            return Ok(Shown::Zero);
        }
        let cache = &cpu::this().torus().share.page_cache;
        let found = cache.search(self.owner).find(&root, index);
        if let Some(frame) = found {
            return Ok(Shown::Frame(frame));
        }
        let frame = match content.frame(index) {
            Some(frame) => frame,
            None => {
                let mut frame = Held::zeroed(Use::Cached).ok_or(SourceError::NoMemory)?;
                frame.fill(|page| content.fill(index, page))?;
                frame
            }
        };
        Ok(Shown::Frame(cache.offer(root, frame, self.owner, index)))
    }

    /// The frame of page `index`, if it is there already.
    pub fn present(&self, index: u64) -> Option<Held> {
        self.look().frame(index)
    }

    /// Looks for the frames of pages that are there already. Until it is dropped nobody else looks, and no memory may be asked for.
    pub fn look(&self) -> Look<'_> {
        match &self.pages {
            Pages::Own(own) => Look::Own(own.look()),
            Pages::Content(content) => {
                let cache = &cpu::this().torus().share.page_cache;
                Look::Content(&**content, cache.search(self.owner))
            }
            Pages::Far(far) => Look::Far(far, self.owner),
        }
    }

    /// The frame of page `index` of an object of its own pages; none when it was never touched.
    pub fn touched(&self, index: u64) -> Result<Option<Held>, SourceError> {
        match &self.pages {
            Pages::Own(own) => own.touched(self.owner, index),
            Pages::Content(_) | Pages::Far(_) => Ok(self.present(index)),
        }
    }

    /// The frame of page `index` of an object of its own pages; none when it is zeros that nobody has touched.
    pub fn stored(&self, index: u64) -> Result<Option<Held>, SourceError> {
        match &self.pages {
            Pages::Own(own) if own.is_made(index) => own.page(self.owner, index).map(Some),
            _ => self.touched(index),
        }
    }

    /// Copies page `index` to `page`, which arrives with any content.
    pub fn copy(&self, index: u64, page: &mut PageBytes) -> Result<(), SourceError> {
        match &self.pages {
            Pages::Own(own) => own.page(self.owner, index)?.copy_to(page),
            Pages::Content(content) => {
                // A page that programs only ever write is not worth a frame of the cache's.
                if let Some(frame) = self.present(index) {
                    frame.copy_to(page);
                } else {
                    let zero = leaf(&**content, index)? == Digest::ZERO;
                    page.fill(0);
                    if !zero {
                        content.fill(index, page)?;
                    }
                }
            }
            Pages::Far(far) => match far.page(self.owner, index)? {
                Shown::Zero => page.fill(0),
                Shown::Frame(frame) => frame.copy_to(page),
                Shown::Lent(frame) => holder::copy(frame, page),
            },
        }
        Ok(())
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
            Pages::Content(_) | Pages::Far(_) => Ok(()),
        }
    }

    /// Takes an [`MemoryObject::extend`] back.
    pub fn retract(&self, len: u64) {
        if let Pages::Own(own) = &self.pages {
            own.retract(len);
        }
    }
}

fn leaf(content: &dyn Content, index: u64) -> Result<Digest, SourceError> {
    if index < content.len().div_ceil(PAGE as u64) {
        content.leaf(index)
    } else {
        Err(SourceError::BeyondEnd)
    }
}

/// The torus's object of this identity, made when there is none.
fn known(
    identity: Option<u64>,
    make: impl FnOnce() -> Result<ObjectRef, Errno>,
) -> Result<ObjectRef, Errno> {
    match identity {
        Some(identity) => cpu::this()
            .torus()
            .share
            .objects
            .get_or_insert(identity, make),
        None => make(),
    }
}

/// The objects of files that a torus has mapped, so that they are found again.
pub struct Objects {
    all: Lock<Vec<(u64, ObjectRef)>>,
}

impl Objects {
    /// None.
    pub const fn new() -> Self {
        Self {
            all: Lock::new(Vec::new()),
        }
    }

    fn get_or_insert(
        &self,
        identity: u64,
        make: impl FnOnce() -> Result<ObjectRef, Errno>,
    ) -> Result<ObjectRef, Errno> {
        let mut all = self.all.lock();
        match all.binary_search_by_key(&identity, |(key, _)| *key) {
            Ok(at) => Ok(all[at].1.clone()),
            Err(at) => {
                let object = make()?;
                all.try_insert_at(at, (identity, object.clone()))?;
                Ok(object)
            }
        }
    }

    /// Lets every object go that no mapping holds: under memory pressure, and before the accounts are checked.
    pub fn drop_unused(&self) {
        let mut all = self.all.lock();
        all.retain(|(_, object)| {
            pieces::step();
            Arc::strong_count(&object.0) > 1
        });
        if all.is_empty() {
            *all = Vec::new();
        }
    }
}
