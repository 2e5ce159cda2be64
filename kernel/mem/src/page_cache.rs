//! The page cache of a torus: the frames of immutable content, by page root.
//!
//! The cache holds one reference to each of its frames, every page-table entry another. A frame that only the cache holds may go
//! at any time: its content can be made again, or it would be held by whoever made it.

use super::frame_ref::FrameRef;
use machine::cpu;
use spin::mutex::SpinMutexGuard;
use sync::Lock;
use sync::Relax;
use tori::counters;
use vm::addr::Frame;
use vm::frames::{FrameTable, Owner, Sharers, Use};
use vm::hash::Digest;
use vm::page_cache::{PageCache as Roots, Refused, Slot};
use vm::table::TableMemory;

/// Places that are looked at between two pauses.
const PIECE: u32 = 16;

/// The page cache; made when it first gets a page.
pub struct PageCache {
    inner: Lock<Option<Roots<Cached>>>,
}

/// A look into the page cache.
pub struct Search<'a> {
    inner: SpinMutexGuard<'a, Option<Roots<Cached>>, Relax>,
    owner: Owner,
    found: u64,
}

impl Search<'_> {
    /// The frame of a content, for page `index` of the object.
    #[inline(always)]
    pub fn find(&mut self, root: &Digest, index: u64) -> Option<FrameRef> {
        let (_, cached) = self.inner.as_mut()?.get(root)?;
        self.found += 1;
        Some(cached.held_for(self.owner, index))
    }
}

impl Drop for Search<'_> {
    fn drop(&mut self) {
        counters::own().content_found.add(self.found);
    }
}

/// A frame and who has its content.
struct Cached {
    frame: Frame,
    sharers: Sharers,
}

fn frames() -> &'static FrameTable<'static> {
    tori::here().memory().frames()
}

#[expect(
    clippy::len_without_is_empty,
    reason = "a count for the clock, which may be 0 like any other"
)]
impl PageCache {
    /// An empty cache.
    pub(crate) const fn new() -> Self {
        Self {
            inner: Lock::new(None),
        }
    }

    /// Looks for contents of object `owner`. Until it is dropped nobody else looks, and no memory may be asked for.
    pub fn search(&self, owner: Owner) -> Search<'_> {
        Search {
            inner: self.inner.lock(),
            owner,
            found: 0,
        }
    }

    /// Takes in a frame with the content of `root`; who comes second gets the frame of the first.
    pub fn offer(&self, root: Digest, frame: FrameRef, owner: Owner, index: u64) -> FrameRef {
        let mut inner = self.inner.lock();
        let cache = inner.get_or_insert_with(|| Roots::new(key(), cpu::let_interrupts_in));
        let candidate = Cached {
            frame: frame.frame(),
            sharers: Sharers::One(owner, index),
        };
        match cache.insert(root, candidate) {
            Ok(slot) => {
                frames().adopt(frame.frame(), Use::Cached, Owner::CONTENT, slot.0.into());
                counters::own().content_made.add(1);
                let shared = FrameRef::share(frame.frame());
                // The cache's own reference.
                let _ = frame.into_frame();
                shared
            }
            Err(Refused::Present(..)) => match cache.get(&root) {
                Some((_, cached)) => cached.held_for(owner, index),
                None => frame,
            },
            // Without memory for an entry the page is mapped all the same.
            Err(Refused::Full(_) | Refused::Zero(_)) => frame,
        }
    }

    /// The objects that have the content in a slot, as far as they are known.
    pub fn sharers(&self, slot: u64) -> Sharers {
        let inner = self.inner.lock();
        let slot = u32::try_from(slot).ok().map(Slot);
        slot.and_then(|slot| inner.as_ref()?.at(slot))
            .map_or(Sharers::Nobody, |(_, cached)| cached.sharers)
    }

    /// How many frames it has.
    pub fn len(&self) -> u64 {
        self.inner
            .lock()
            .as_ref()
            .map_or(0, |cache| cache.len() as u64)
    }

    /// A reference to `frame`, if that is in `slot`, as the reverse map says.
    pub fn hold(&self, slot: u64, frame: Frame) -> Option<FrameRef> {
        let inner = self.inner.lock();
        let (cache, slot) = inner.as_ref().zip(u32::try_from(slot).ok().map(Slot))?;
        let (_, it) = cache.at(slot)?;
        (it.frame == frame).then(|| FrameRef::share(frame))
    }

    /// Frees `frame`, which the reverse map says is in `slot`, if nobody but the cache holds it any more. For the clock, once the
    /// entries are gone and no core remembers them.
    pub fn give_up(&self, slot: u64, frame: Frame) {
        let mut inner = self.inner.lock();
        let Some((cache, slot)) = inner.as_mut().zip(u32::try_from(slot).ok().map(Slot)) else {
            return;
        };
        if cache.at(slot).is_some_and(|(_, it)| it.frame == frame) {
            free_if_unused(cache, slot);
        }
    }

    /// Frees every frame that nobody but the cache holds: when memory is short, and before the accounts are checked.
    pub fn drop_unused(&self) {
        let mut inner = self.inner.lock();
        let Some(cache) = inner.as_mut() else { return };
        for number in 0..cache.places() {
            if number.is_multiple_of(PIECE) {
                cpu::let_interrupts_in();
            }
            free_if_unused(cache, Slot(number));
        }
        if cache.is_empty() {
            *inner = None;
        }
    }
}

impl Cached {
    fn held_for(&mut self, owner: Owner, index: u64) -> FrameRef {
        // A frame that nobody maps has no sharers.
        if frames().shares(self.frame) == 1 {
            self.sharers = Sharers::Nobody;
        }
        self.sharers = self.sharers.and(owner, index);
        FrameRef::share(self.frame)
    }
}

/// References are only made under the cache's lock once there is none but the cache's.
fn free_if_unused(cache: &mut Roots<Cached>, slot: Slot) -> bool {
    let unused = cache
        .at(slot)
        .is_some_and(|(_, cached)| frames().shares(cached.frame) == 1);
    if unused && let Some((_, cached)) = cache.remove(slot) {
        // SAFETY: K40, the cache has given up its entry, and with it the reference.
        drop(unsafe { FrameRef::from_raw(cached.frame) });
    }
    unused
}

fn key() -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = machine::random::seed();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}
