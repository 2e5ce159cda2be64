//! What a build that checks itself knows besides: which frames owed flushes cover, and which frames hold poison. In other builds
//! all of it is nothing.

use crate::addr::Frame;
use crate::frames::FrameTable;

/// The frames whose entries a debt has cores forget.
#[derive(Debug, Default)]
pub(crate) struct Covers {
    #[cfg(feature = "checked")]
    frames: alloc::vec::Vec<Frame>,
}

#[cfg(not(feature = "checked"))]
impl Covers {
    pub(crate) const fn new() -> Self {
        Self {}
    }

    #[inline]
    pub(crate) const fn add(&mut self, _: &FrameTable<'_>, _: Frame) {}

    #[inline]
    pub(crate) const fn append(&mut self, _: Self) {}

    #[inline]
    pub(crate) const fn end(self, _: &FrameTable<'_>) {}
}

#[cfg(feature = "checked")]
pub(crate) use known::Meta;

#[cfg(feature = "checked")]
mod known {
    use super::{Covers, Frame, FrameTable};
    use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
    use fallible::TryVec;

    const POISONED: u32 = 1 << 31;

    /// What is known of a frame.
    #[derive(Debug, Default)]
    pub(crate) struct Meta(AtomicU32);

    impl Meta {
        pub(crate) fn is_covered(&self) -> bool {
            self.0.load(Relaxed) & !POISONED != 0
        }

        /// Notes that the frame holds poison, or does not any more; answers whether it did.
        pub(crate) fn set_poisoned(&self, poisoned: bool) -> bool {
            let before = if poisoned {
                self.0.fetch_or(POISONED, Relaxed)
            } else {
                self.0.fetch_and(!POISONED, Relaxed)
            };
            before & POISONED != 0
        }
    }

    impl Covers {
        pub(crate) const fn new() -> Self {
            let frames = alloc::vec::Vec::new();
            Self { frames }
        }

        /// A frame of this torus; where there is no memory for it, it is not checked.
        pub(crate) fn add(&mut self, table: &FrameTable<'_>, frame: Frame) {
            if let Some(meta) = table.checked(frame)
                && self.frames.try_push(frame).is_ok()
            {
                meta.0.fetch_add(1, Relaxed);
            }
        }

        pub(crate) fn append(&mut self, other: Self) {
            if self.frames.is_empty() {
                self.frames = other.frames;
            } else {
                // Without memory they stay covered, and so are never freed.
                let _ = self.frames.try_extend_from_slice(&other.frames);
            }
        }

        pub(crate) fn end(self, table: &FrameTable<'_>) {
            for frame in self.frames {
                if let Some(meta) = table.checked(frame) {
                    meta.0.fetch_sub(1, Relaxed);
                }
            }
        }
    }
}
