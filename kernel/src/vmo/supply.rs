//! Pages of memory objects: frames of the torus's pool, and what the boot archive holds.

use crate::process::charge::{self, Kind, One};
use machine::cpu;
use mem::held::Held;
use vm::frames::{Owner, Use};
use vm::hash::PageBytes;
use vm::table::TableMemory;
use vm::vmo::page::{OutOfPages, PageMemory, PageSupply};

/// The frames of the torus that runs this.
#[derive(Clone, Copy, Debug)]
pub struct Frames;

/// A page of an object.
#[derive(Debug)]
pub enum Page {
    /// A frame, written only while nobody else has a reference to it; counted.
    Frame(Held, #[expect(dead_code, reason = "only held")] One),
    /// A page of the boot archive, where it lies.
    Boot(&'static PageBytes),
}

/// Whether memory objects may have so many pages more: they outlive who builds them, and cannot be swapped.
pub fn has_room(pages: u64) -> bool {
    charge::has_room(Kind::ObjectPage, pages) && !tori::here().is_closed()
}

impl Page {
    /// A frame whose content is what it is: others may map it, and none writes to it.
    pub fn of(frame: Held) -> Self {
        charge::heap(1);
        Self::Frame(frame, One::new(Kind::ObjectPage))
    }

    /// The frame, to be mapped.
    pub fn frame(&self) -> Option<Held> {
        match self {
            Self::Frame(held, _) => Some(Held::share(held.frame())),
            Self::Boot(_) => None,
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if matches!(self, Self::Frame(..)) {
            charge::heap(-1);
        }
    }
}

impl PageMemory for Page {
    fn bytes(&self) -> &PageBytes {
        match self {
            // SAFETY: K25, nobody writes to the frame while the object holds it and a reference to its bytes exists.
            Self::Frame(held, _) => unsafe { &*held.start().cast::<PageBytes>() },
            Self::Boot(bytes) => bytes,
        }
    }

    fn bytes_mut(&mut self) -> Option<&mut PageBytes> {
        let Self::Frame(held, _) = self else {
            return None;
        };
        let frames = tori::here().memory().frames();
        if frames.shares(held.frame()) != 1 {
            return None;
        }
        // SAFETY: K25, this is the only reference to the frame, and it is borrowed exclusively.
        Some(unsafe { &mut *held.start().cast::<PageBytes>() })
    }

    fn pause() {
        cpu::let_interrupts_in();
    }
}

impl PageSupply for Frames {
    type Page = Page;

    fn zeroed(&self) -> Result<Page, OutOfPages> {
        if !has_room(1) {
            return Err(OutOfPages);
        }
        let held = Held::zeroed(Use::Cached).ok_or(OutOfPages)?;
        // The process that builds an object pays for it.
        charge::heap(1);
        // In no slot of the page cache: that comes when it is mapped.
        let frames = tori::here().memory().frames();
        frames.assign(held.frame(), Use::Cached, Owner::CONTENT, u64::MAX);
        Ok(Page::Frame(held, One::new(Kind::ObjectPage)))
    }
}
