//! References to frames that are neither an entry's nor an object's: on the way from one to the other.

use core::mem::ManuallyDrop;
use machine::paging;
use tori::Torus;
use vm::addr::{Frame, PAGE_SIZE};
use vm::frames::Use;
use vm::hash::PageBytes;
use vm::table::TableMemory;

/// A reference to a frame of this core's torus. The last one that goes frees the frame.
#[derive(Debug)]
pub struct FrameRef(Frame);

impl FrameRef {
    /// A new frame, of unspecified content. `None` when memory is out.
    pub fn new(used: Use) -> Option<Self> {
        torus().alloc_frame(used).map(Self)
    }

    /// A new frame of zeros.
    pub fn zeroed(used: Use) -> Option<Self> {
        torus().alloc_zeroed_frame(used).map(Self)
    }

    /// One more reference to a frame that somebody keeps meanwhile.
    pub fn share(frame: Frame) -> Self {
        torus().memory().frames().share(frame);
        Self(frame)
    }

    /// A reference that was given up with [`FrameRef::into_frame`], or that `vm` has handed out with a frame.
    ///
    /// # Safety
    /// K40: nobody else takes it.
    pub(crate) const unsafe fn from_raw(frame: Frame) -> Self {
        Self(frame)
    }

    /// The frame.
    pub const fn frame(&self) -> Frame {
        self.0
    }

    /// The frame without its guard: whoever takes it has the reference now.
    pub fn into_frame(self) -> Frame {
        ManuallyDrop::new(self).0
    }

    /// The bytes, to be copied: programs may be changing them.
    pub fn start(&self) -> *mut u8 {
        paging::phys_to_virt(self.0.start())
    }

    /// Notes that the frame was written, not through an entry.
    pub fn mark_dirty(&self) {
        torus().memory().frames().mark_dirty(self.0);
    }

    /// Copies the whole frame to `to`.
    pub fn copy_to(&self, to: &mut PageBytes) {
        // SAFETY: K21, the frame stays while it is held; what programs change meanwhile is copied, not interpreted.
        unsafe {
            self.start()
                .copy_to_nonoverlapping(to.as_mut_ptr(), to.len())
        }
    }

    /// Copies bytes from `at` on, as many as lie within the frame.
    #[inline]
    pub fn read(&self, at: usize, to: &mut [u8]) {
        let len = to.len().min(PAGE_SIZE.saturating_sub(at));
        // SAFETY: K21, the frame is held, and the bytes lie within it.
        unsafe {
            self.start()
                .wrapping_add(at)
                .copy_to_nonoverlapping(to.as_mut_ptr(), len)
        }
    }

    /// As [`FrameRef::read`], the other way. Programs that have the frame see the bytes change.
    #[inline]
    pub fn write(&self, at: usize, from: &[u8]) {
        self.mark_dirty();
        let len = from.len().min(PAGE_SIZE.saturating_sub(at));
        // SAFETY: K21, the frame is held, and the bytes lie within it.
        unsafe {
            self.start()
                .wrapping_add(at)
                .copy_from_nonoverlapping(from.as_ptr(), len)
        }
    }

    /// Writes to a frame that nobody else can know yet.
    pub fn fill<R>(&mut self, fill: impl FnOnce(&mut PageBytes) -> R) -> R {
        debug_assert_eq!(torus().memory().frames().shares(self.0), 1);
        // SAFETY: K21, this is the only reference to the frame.
        fill(unsafe { &mut *self.start().cast::<PageBytes>() })
    }
}

impl Drop for FrameRef {
    fn drop(&mut self) {
        let torus = torus();
        if torus.memory().frames().release(self.0) {
            torus.free_frame(self.0);
        }
    }
}

fn torus() -> &'static Torus {
    tori::here()
}
