//! Memory objects: what a mapping of a file or of shared memory shows, and the page cache.
//!
//! An object has pages by index. A page that is not there yet is made by the object's source (a file's bytes), or is zero
//! (shared anonymous memory, files in memory). Every page is one frame that all mappings, reads and writes share: that is
//! the page cache of the torus. The object holds one reference to each of its frames, every page-table entry another.

use crate::arch::{cpu, paging};
use crate::sched::lock::Lock;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use vm::addr::Frame;
use vm::frames::{Owner, Use};
use vm::table::TableMemory;

/// Bytes per page.
pub const PAGE: usize = 4096;
/// Pages per chunk of an object's index.
const CHUNK: u64 = 512;
/// Names of objects in the reverse map have the top bit, names of lineages have not.
const OBJECT_BIT: u32 = 1 << 31;

/// A page of an object could not be produced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceError {
    /// The page lies wholly beyond the end: SIGBUS.
    BeyondEnd,
    /// No memory for it.
    NoMemory,
}

/// The immutable backing of an object: where its pages come from when they are first touched.
pub trait PageSource: Send + Sync {
    /// Length in bytes.
    fn len(&self) -> u64;

    /// Writes page `index` (its tail beyond `len` zeroed) to `page`, which arrives zeroed.
    fn fill(&self, index: u64, page: &mut [u8; PAGE]) -> Result<(), SourceError>;

    /// A number that sources of the same bytes share and no others, so that they share one object per torus.
    fn identity(&self) -> Option<u64> {
        None
    }
}

/// 512 consecutive pages of an object; frame 0 stands for none.
struct Chunk {
    number: u64,
    frames: Vec<Frame>,
}

/// A memory object.
pub struct MemoryObject {
    owner: Owner,
    source: Option<Arc<dyn PageSource>>,
    /// Length in bytes: beyond its last page there is nothing.
    len: AtomicU64,
    /// Pages that have a frame, by chunk, ascending.
    chunks: Lock<Vec<Chunk>>,
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
}

static NEXT: AtomicU32 = AtomicU32::new(0);

impl MemoryObject {
    /// An object of zeros of `len` bytes: shared anonymous memory, or a file in memory.
    pub fn zero(len: u64) -> Result<ObjectRef, Errno> {
        Self::create(None, len)
    }

    /// The object of a source: the torus's one, when the source has an identity.
    pub fn of_source(source: Arc<dyn PageSource>) -> Result<ObjectRef, Errno> {
        let len = source.len();
        match source.identity() {
            Some(identity) => {
                let cache = &cpu::this().torus().share.page_cache;
                cache.get_or_insert(identity, || Self::create(Some(source), len))
            }
            None => Self::create(Some(source), len),
        }
    }

    fn create(source: Option<Arc<dyn PageSource>>, len: u64) -> Result<ObjectRef, Errno> {
        super::room(size_of::<Self>())?;
        let owner = Owner(OBJECT_BIT | NEXT.fetch_add(1, Ordering::Relaxed));
        let chunks = Lock::new(Vec::new());
        Ok(ObjectRef(Arc::new(Self {
            owner,
            source,
            len: AtomicU64::new(len),
            chunks,
        })))
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.len.load(Ordering::Acquire)
    }

    /// The frame of page `index`, made when it is not there. The object keeps its reference; who enters it in a table
    /// takes another.
    pub fn page(&self, index: u64) -> Result<Frame, SourceError> {
        if index >= self.len().div_ceil(PAGE as u64) {
            return Err(SourceError::BeyondEnd);
        }
        let mut chunks = self.chunks.lock();
        let slot = slot(&mut chunks, index)?;
        if slot.0 == 0 {
            *slot = self.make(index)?;
        }
        Ok(*slot)
    }

    /// The frame of page `index`, if it is there already.
    pub fn cached(&self, index: u64) -> Option<Frame> {
        let chunks = self.chunks.lock();
        let at = chunks
            .binary_search_by_key(&(index / CHUNK), |chunk| chunk.number)
            .ok()?;
        let frame = chunks[at].frames[(index % CHUNK) as usize];
        (frame.0 != 0).then_some(frame)
    }

    fn make(&self, index: u64) -> Result<Frame, SourceError> {
        let torus = cpu::this().torus();
        let frame = torus
            .alloc_zeroed_frame(Use::Cached)
            .ok_or(SourceError::NoMemory)?;
        if let Some(source) = &self.source {
            // SAFETY: K21, the frame is new and nobody else's.
            let page = unsafe { &mut *paging::phys_to_virt(frame.start()).cast::<[u8; PAGE]>() };
            if let Err(error) = source.fill(index, page) {
                torus.free_frame(frame);
                return Err(error);
            }
        }
        torus
            .memory()
            .frames()
            .assign(frame, Use::Cached, self.owner, index);
        Ok(frame)
    }

    /// Makes the object at least so long; what is added reads as zeros.
    pub fn extend(&self, len: u64) {
        self.len.fetch_max(len, Ordering::AcqRel);
    }

    /// Sets the length. What lies beyond it is gone; the caller takes it out of every page table then.
    pub fn truncate(&self, len: u64) {
        let mut chunks = self.chunks.lock();
        self.len.store(len, Ordering::Release);
        let keep = len.div_ceil(PAGE as u64);
        for chunk in chunks.iter_mut() {
            for (offset, frame) in chunk.frames.iter_mut().enumerate() {
                if chunk.number * CHUNK + offset as u64 >= keep && frame.0 != 0 {
                    release(core::mem::take(frame));
                }
            }
        }
        chunks.retain(|chunk| chunk.number * CHUNK < keep);
        drop(chunks);
        let tail = (len % PAGE as u64) as usize;
        if tail != 0
            && let Some(frame) = self.cached(len / PAGE as u64)
        {
            // SAFETY: K21, the frame is the object's; what programs see of it may change at any time anyway.
            unsafe {
                paging::phys_to_virt(frame.start())
                    .add(tail)
                    .write_bytes(0, PAGE - tail);
            }
        }
    }
}

/// The place of page `index`, with its chunk made when it is missing.
fn slot(chunks: &mut Vec<Chunk>, index: u64) -> Result<&mut Frame, SourceError> {
    let number = index / CHUNK;
    let at = match chunks.binary_search_by_key(&number, |chunk| chunk.number) {
        Ok(at) => at,
        Err(at) => {
            let mut frames = Vec::new();
            frames
                .try_reserve_exact(CHUNK as usize)
                .map_err(|_| SourceError::NoMemory)?;
            frames.resize(CHUNK as usize, Frame(0));
            chunks.try_reserve(1).map_err(|_| SourceError::NoMemory)?;
            chunks.insert(at, Chunk { number, frames });
            at
        }
    };
    Ok(&mut chunks[at].frames[(index % CHUNK) as usize])
}

/// Gives the object's reference to a frame back.
fn release(frame: Frame) {
    let torus = cpu::this().torus();
    if torus.memory().frames().release(frame) {
        torus.free_frame(frame);
    }
}

impl Drop for MemoryObject {
    fn drop(&mut self) {
        for chunk in self.chunks.get_mut() {
            for frame in &chunk.frames {
                if frame.0 != 0 {
                    release(*frame);
                }
            }
        }
    }
}

/// The objects of immutable files that a torus has pages of.
pub struct PageCache {
    objects: Lock<Vec<(u64, ObjectRef)>>,
}

impl PageCache {
    /// Nothing cached.
    pub const fn new() -> Self {
        Self {
            objects: Lock::new(Vec::new()),
        }
    }

    fn get_or_insert(
        &self,
        identity: u64,
        make: impl FnOnce() -> Result<ObjectRef, Errno>,
    ) -> Result<ObjectRef, Errno> {
        let mut objects = self.objects.lock();
        match objects.binary_search_by_key(&identity, |(key, _)| *key) {
            Ok(at) => Ok(objects[at].1.clone()),
            Err(at) => {
                objects.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
                let object = make()?;
                objects.insert(at, (identity, object.clone()));
                Ok(object)
            }
        }
    }

    /// Lets everything go that no mapping holds: under memory pressure, and before the accounts are checked.
    pub fn drop_unused(&self) {
        let mut objects = self.objects.lock();
        objects.retain(|(_, object)| Arc::strong_count(&object.0) > 1);
        if objects.is_empty() {
            *objects = Vec::new();
        }
    }
}
