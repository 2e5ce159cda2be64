//! Pages that are an object's own: of files in memory, of shared anonymous memory, and of files whose roots nobody has computed.

use super::source::{PageSource, SourceError};
use crate::OfTorus as _;
use crate::above::{
    mem_count_pages as count_pages, mem_has_room as has_room, mem_may_grow as may_grow,
};
use crate::frame_ref::FrameRef;
use crate::swap::{Asked, PageName};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};
use machine::cpu;
use spin::mutex::SpinMutexGuard;
use sync::Lock;
use sync::Relax;
use tori::pieces;
use vm::addr::PAGE_SIZE;
use vm::frames::{Owner, Use};
use vm::places::{Place, Places, Search};
use vm::table::{Slot, TableMemory};

/// Pages by index. A page that is not there yet is made by the source, or is zero. The object holds one reference to each of its
/// frames, every page-table entry another.
pub(super) struct OwnPages {
    source: Option<Arc<dyn PageSource>>,
    /// Bytes that are the source's as long as nobody has written to them: never more than the object has been cut to.
    made: AtomicU64,
    /// It is a file: its pages stay when whoever has made them has ended. They are counted, and limited.
    stays: bool,
    /// Length in bytes: beyond its last page there is nothing.
    len: AtomicU64,
    /// Where they are.
    places: Lock<Places>,
}

/// A look at an object's pages, until which is dropped they stay where they are.
pub struct Look<'a>(SpinMutexGuard<'a, Places, Relax>);

impl Look<'_> {
    /// The frame of page `index`, if it is there already.
    pub(super) fn frame(&mut self, index: u64) -> Option<FrameRef> {
        match self.0.get(index) {
            Place::Frame(frame) => Some(FrameRef::share(frame)),
            Place::Nowhere | Place::Slot(_) => None,
        }
    }
}

/// Pages that are given up between two looks for interrupts.
const RELEASED: usize = 64;

impl OwnPages {
    pub(super) fn new(source: Option<Arc<dyn PageSource>>, len: u64) -> Self {
        Self {
            stays: false,
            made: AtomicU64::new(if source.is_some() { len } else { 0 }),
            source,
            len: AtomicU64::new(len),
            places: Lock::new(Places::new()),
        }
    }

    /// Those of a file in memory that begins as a source, or empty.
    pub(super) fn of_file(source: Option<Arc<dyn PageSource>>, len: u64) -> Self {
        let mut pages = Self::new(source, len);
        pages.stays = true;
        pages
    }

    /// A number by which every torus knows the same bytes.
    pub(super) fn common_name(&self) -> Option<u64> {
        self.source.as_ref()?.common_name()
    }

    /// Length in bytes.
    pub(super) fn len(&self) -> u64 {
        self.len.load(Ordering::Acquire)
    }

    /// Whether page `index` begins as the source has it.
    pub(super) fn is_made(&self, index: u64) -> bool {
        index < self.made.load(Ordering::Acquire).div_ceil(PAGE_SIZE as u64)
    }

    /// The frame of page `index`, made when it is not there. `owner` is the object's name.
    pub(super) fn page(&self, owner: Owner, index: u64) -> Result<FrameRef, SourceError> {
        let mut places = self.places.lock();
        if index >= self.len().div_ceil(PAGE_SIZE as u64) {
            return Err(SourceError::BeyondEnd);
        }
        if self.stays && !places.is_ready(index) && !may_grow() {
            return Err(SourceError::Full);
        }
        let place = places.make(index)?;
        match *place {
            Place::Frame(frame) => Ok(FrameRef::share(frame)),
            Place::Slot(slot) => Err(ask(owner, index, slot)),
            Place::Nowhere if self.stays && !self.is_made(index) && !has_room() => {
                Err(SourceError::Full)
            }
            Place::Nowhere => {
                let frame = self.make(owner, index)?.into_frame();
                *place = Place::Frame(frame);
                self.count(1);
                Ok(FrameRef::share(frame))
            }
        }
    }

    /// The first page from `index` on that has content.
    pub(super) fn next_stored(&self, index: u64) -> Option<u64> {
        if self.is_made(index) {
            return Some(index);
        }
        let mut from = index;
        let found = loop {
            match self.places.lock().search(from)? {
                Search::Page(found) => break found,
                Search::From(next) => from = next,
            }
            pieces::step();
        };
        (found < self.len().div_ceil(PAGE_SIZE as u64)).then_some(found)
    }

    /// Looks for frames that are there already.
    pub(super) fn look(&self) -> Look<'_> {
        Look(self.places.lock())
    }

    /// The frame of page `index`; none when the page was never touched.
    pub(super) fn touched(
        &self,
        owner: Owner,
        index: u64,
    ) -> Result<Option<FrameRef>, SourceError> {
        match self.places.lock().get(index) {
            Place::Frame(frame) => Ok(Some(FrameRef::share(frame))),
            Place::Slot(slot) => Err(ask(owner, index, slot)),
            Place::Nowhere => Ok(None),
        }
    }

    /// Works on the place of page `index`, if it has one, unless another core is at work on the object. Meanwhile nobody gets
    /// a reference to the page's frame from the object.
    pub(super) fn try_place<R>(&self, index: u64, f: impl FnOnce(&mut Place) -> R) -> Option<R> {
        self.places.try_lock()?.get_mut(index).map(f)
    }

    /// As [`OwnPages::try_place`], waiting for other cores.
    pub(super) fn with_place<R>(&self, index: u64, f: impl FnOnce(&mut Place) -> R) -> Option<R> {
        self.places.lock().get_mut(index).map(f)
    }

    /// Takes the places of the last chunk out, if it begins at page `from` or after it.
    fn take_last(&self, from: u64) -> Option<Vec<Place>> {
        self.places.lock().take_last(from)
    }

    fn make(&self, owner: Owner, index: u64) -> Result<FrameRef, SourceError> {
        let mut frame = FrameRef::zeroed(Use::Cached).ok_or(SourceError::NoMemory)?;
        if let Some(source) = &self.source
            && self.is_made(index)
        {
            let left = self.made.load(Ordering::Acquire) - index * PAGE_SIZE as u64;
            let end = usize::try_from(left).unwrap_or(PAGE_SIZE).min(PAGE_SIZE);
            frame.fill(|page| {
                source.fill(index, page)?;
                page[end..].fill(0);
                Ok::<(), SourceError>(())
            })?;
        }
        let frames = tori::here().memory().frames();
        frames.assign(frame.frame(), Use::Cached, owner, index);
        Ok(frame)
    }

    /// So many pages have come, or gone.
    pub(super) fn count(&self, pages: i64) {
        if self.stays {
            count_pages(pages);
        }
    }

    /// Makes the object at least so long; what is added reads as zeros.
    pub(super) fn extend(&self, len: u64) {
        self.len.fetch_max(len, Ordering::AcqRel);
    }

    /// Sets the length back to where nothing lies beyond it.
    pub(super) fn retract(&self, len: u64) {
        self.len.store(len, Ordering::Release);
    }

    /// Sets the length. What lies beyond it is gone; the caller takes it out of every page table then. After an error, for the
    /// page in which the end lies, nothing has changed.
    pub(super) fn truncate(&self, owner: Owner, len: u64) -> Result<(), SourceError> {
        let tail = (len % PAGE_SIZE as u64) as usize;
        let last = if tail == 0 {
            None
        } else {
            self.touched(owner, len / PAGE_SIZE as u64)?
        };
        let mut places = self.places.lock();
        self.len.store(len, Ordering::Release);
        self.made.fetch_min(len, Ordering::AcqRel);
        let keep = len.div_ceil(PAGE_SIZE as u64);
        self.count(-release(places.rest_of_chunk(keep)));
        drop(places);
        // Nobody makes a page beyond the end: others may look at the object between the chunks.
        while let Some(mut chunk) = self.take_last(keep) {
            self.count(-release(&mut chunk));
        }
        if let Some(frame) = last {
            // SAFETY: K21, the frame is held; what programs see of it may change at any time anyway.
            unsafe { frame.start().add(tail).write_bytes(0, PAGE_SIZE - tail) };
            frame.mark_dirty();
        }
        Ok(())
    }
}

/// Has a page come back from its slot; why it is not there yet.
fn ask(owner: Owner, index: u64, slot: Slot) -> SourceError {
    let used = Use::Cached;
    let page = PageName { used, owner, index };
    let swap = tori::here().kept().swap();
    match swap.map(|swap| swap.bring_back(slot, page)) {
        Some(Asked::Wait) => SourceError::Wait,
        Some(Asked::NoMemory) => SourceError::NoMemory,
        Some(Asked::Lost) | None => SourceError::Lost,
    }
}

/// Gives up what the object holds of a page.
fn give_up(place: Place) {
    match place {
        Place::Nowhere => {}
        // SAFETY: K40, the place has had the reference.
        Place::Frame(frame) => drop(unsafe { FrameRef::from_raw(frame) }),
        Place::Slot(slot) => {
            if let Some(slots) = tori::here().memory().slots() {
                slots.release(slot);
            }
        }
    }
}

/// Gives up what is held in a row of places; answers how many pages that were.
fn release(places: &mut [Place]) -> i64 {
    let mut pages = 0;
    for piece in places.chunks_mut(RELEASED) {
        for place in piece {
            pages += i64::from(*place != Place::Nowhere);
            give_up(core::mem::replace(place, Place::Nowhere));
        }
        cpu::let_interrupts_in();
    }
    pages
}

impl Drop for OwnPages {
    fn drop(&mut self) {
        let mut pages = 0;
        while let Some(mut chunk) = self.places.get_mut().take_last(0) {
            pages += release(&mut chunk);
        }
        self.count(-pages);
        cpu::let_interrupts_in();
    }
}
