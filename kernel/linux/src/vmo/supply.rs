//! Pages of memory objects: frames of the torus's pool, and what the boot archive holds.

use crate::process::charge::{self, Kind, One};
use crate::process::payer;
use machine::cpu;
use mem::content_frame::ContentFrame;
use mem::frame_ref::FrameRef;
use vm::hash::PageBytes;
use vm::vmo::page::{OutOfPages, PageMemory, PageSupply};

/// The frames of the torus that runs this.
#[derive(Clone, Copy, Debug)]
pub struct Frames;

/// A page of an object.
#[derive(Debug)]
pub enum Page {
    /// A frame, written only while nobody else has a reference to it; counted.
    Frame(ContentFrame, #[expect(dead_code, reason = "only held")] One),
    /// A page of the boot archive, where it lies.
    Boot(&'static PageBytes),
}

/// Whether memory objects may have so many pages more: they outlive who builds them, and cannot be swapped.
pub fn has_room(pages: u64) -> bool {
    charge::has_room(Kind::ObjectPage, pages) && !tori::here().is_closed()
}

impl Page {
    /// A frame that others may have mapped.
    pub fn of(frame: ContentFrame) -> Self {
        payer::heap(1);
        Self::Frame(frame, One::new(Kind::ObjectPage))
    }

    /// The frame, to be mapped.
    pub fn frame(&self) -> Option<FrameRef> {
        match self {
            Self::Frame(frame, _) => Some(frame.share()),
            Self::Boot(_) => None,
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if matches!(self, Self::Frame(..)) {
            payer::heap(-1);
        }
    }
}

impl PageMemory for Page {
    fn bytes(&self) -> &PageBytes {
        match self {
            Self::Frame(frame, _) => frame.bytes(),
            Self::Boot(bytes) => bytes,
        }
    }

    fn bytes_mut(&mut self) -> Option<&mut PageBytes> {
        match self {
            Self::Frame(frame, _) => frame.bytes_mut(),
            Self::Boot(_) => None,
        }
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
        let frame = ContentFrame::zeroed().ok_or(OutOfPages)?;
        // The process that builds an object pays for it.
        payer::heap(1);
        Ok(Page::Frame(frame, One::new(Kind::ObjectPage)))
    }
}
