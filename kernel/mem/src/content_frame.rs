//! Frames of immutable content: what memory objects are made of.

use crate::frame_ref::FrameRef;
use crate::object::{MemoryObject, ObjectRef, Shown, SourceError};
use crate::space::VmSpace;
use vm::addr::{Frame, VirtAddr};
use vm::flush::FlushDebt;
use vm::frames::{Owner, Use};
use vm::hash::PageBytes;
use vm::space::{self, SpaceError};
use vm::table::TableMemory;

/// A frame whose bytes change only as long as this is the one reference to it (K25).
#[derive(Debug)]
pub struct ContentFrame(FrameRef);

impl ContentFrame {
    /// A new frame of zeros, in no slot of the page cache: that comes when it is mapped. `None` when memory is out.
    pub fn zeroed() -> Option<Self> {
        let held = FrameRef::zeroed(Use::Cached)?;
        let frames = tori::here().memory().frames();
        frames.assign(held.frame(), Use::Cached, Owner::CONTENT, u64::MAX);
        Some(Self(held))
    }

    /// One more reference, to be mapped.
    pub fn share(&self) -> FrameRef {
        FrameRef::share(self.0.frame())
    }

    /// Its bytes.
    pub fn bytes(&self) -> &PageBytes {
        // SAFETY: K25, nobody writes to the frame while there is a reference to its bytes.
        unsafe { &*self.0.start().cast::<PageBytes>() }
    }

    /// Its bytes, to be changed; none when somebody else has a reference to it.
    pub fn bytes_mut(&mut self) -> Option<&mut PageBytes> {
        let frames = tori::here().memory().frames();
        if frames.shares(self.0.frame()) != 1 {
            return None;
        }
        // SAFETY: K25, this is the only reference to the frame, and it is borrowed exclusively.
        Some(unsafe { &mut *self.0.start().cast::<PageBytes>() })
    }
}

impl MemoryObject {
    /// The frame of page `index` of content; none for zeros.
    ///
    /// # Errors
    /// As for [`MemoryObject::page`]; [`SourceError::Lost`] for what is not content of this torus.
    pub fn content(&self, index: u64) -> Result<Option<ContentFrame>, SourceError> {
        match self.page(index)? {
            Shown::Zero => Ok(None),
            Shown::Frame(frame) if self.is_content() => Ok(Some(ContentFrame(frame))),
            // A page that never changes is not lent, but copied.
            Shown::Frame(_) | Shown::Lent(_) => Err(SourceError::Lost),
        }
    }
}

/// What a page of a range shows that is taken as it is.
#[derive(Debug)]
pub enum Seen {
    /// Zeros.
    Zero,
    /// A private frame, which its program writes to only after a copy, from now on.
    Frame(ContentFrame),
    /// A page of an object, which nobody has written to here.
    Object(ObjectRef, u64),
}

/// Tells what each page of a range shows, by its number in the range, until `tell` answers false; private pages are the program's to
/// read only, from now on. The range has been [checked](vm::space::AddressSpace::check_snapshot) under the same hold of the lock.
///
/// # Errors
/// [`SpaceError`].
pub fn snapshot(
    space: &mut VmSpace,
    address: VirtAddr,
    length: u64,
    mut tell: impl FnMut(u64, Seen) -> bool,
) -> Result<FlushDebt, SpaceError> {
    space.snapshot(tori::here().memory(), address, length, |number, seen| {
        tell(
            number,
            match seen {
                space::Seen::Zero => Seen::Zero,
                space::Seen::Frame(frame) => Seen::Frame(taken(frame)),
                space::Seen::Object(object, index) => Seen::Object(object, index),
            },
        )
    })
}

/// A frame that a snapshot has told of, with a reference.
fn taken(frame: Frame) -> ContentFrame {
    // SAFETY: K40, the snapshot has made the reference for who is told.
    ContentFrame(unsafe { FrameRef::from_raw(frame) })
}
