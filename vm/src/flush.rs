//! The flush debt: what cores may still remember of entries that are gone, and the frames that must
//! not be used again until they have forgotten.

use crate::addr::{Frame, PageRange};
use crate::checked::Covers;
use crate::frames::{FrameList, FrameTable};

/// Pages above which forgetting everything is cheaper than forgetting page by page (Linux:
/// `tlb_single_page_flush_ceiling`).
pub const FLUSH_CEILING: u64 = 33;

/// What a core has to forget of one address space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flush {
    /// Nothing.
    #[default]
    None,
    /// These pages, at most [`FLUSH_CEILING`].
    Pages(PageRange),
    /// The whole address space.
    All,
}

impl Flush {
    /// Adds pages; distant or many pages become [`Flush::All`].
    #[inline]
    pub fn add(&mut self, pages: PageRange) {
        let hull = match *self {
            Self::All => return,
            Self::None => pages,
            Self::Pages(old) => PageRange::new(old.start.min(pages.start), old.end.max(pages.end)),
        };
        *self = if hull.len() > FLUSH_CEILING {
            Self::All
        } else {
            Self::Pages(hull)
        };
    }
}

/// Cores owe a flush; the frames inside are free once they have done it. Paid by [`FlushDebt::pay`]
/// after the flush, or, where no core can hold the space, without one.
#[derive(Debug, Default)]
#[must_use = "cores still remember old entries, and frames wait for them to forget"]
pub struct FlushDebt {
    flush: Flush,
    frames: FrameList,
    covers: Covers,
}

impl FlushDebt {
    /// No debt.
    pub const fn none() -> Self {
        Self {
            flush: Flush::None,
            frames: FrameList::new(),
            covers: Covers::new(),
        }
    }

    /// What has to be forgotten.
    pub const fn flush(&self) -> Flush {
        self.flush
    }

    /// Whether there is neither a flush to do nor a frame to free.
    pub const fn is_none(&self) -> bool {
        matches!(self.flush, Flush::None) && self.frames.is_empty()
    }

    /// Frames that wait.
    pub const fn frames(&self) -> u64 {
        self.frames.len()
    }

    /// Says that every core that may hold the space has done [`FlushDebt::flush`], and hands out the
    /// frames, to be freed.
    pub fn pay(mut self, table: &FrameTable<'_>) -> FrameList {
        self.flush = Flush::None;
        core::mem::take(&mut self.covers).end(table);
        core::mem::take(&mut self.frames)
    }

    /// Adds pages to forget.
    #[inline]
    pub(crate) fn add_pages(&mut self, pages: PageRange) {
        self.flush.add(pages);
    }

    /// Notes that an entry for this frame has to be forgotten, which may be later: until then nobody may free the frame.
    #[inline]
    pub(crate) fn cover(&mut self, table: &FrameTable<'_>, frame: Frame) {
        self.covers.add(table, frame);
    }

    /// Adds everything to forget.
    pub(crate) fn add_all(&mut self) {
        self.flush = Flush::All;
    }

    /// Adds a frame to free.
    #[inline]
    pub(crate) fn add_frame(&mut self, table: &FrameTable<'_>, frame: Frame) {
        self.frames.push(table, frame);
    }

    /// Takes over another debt of the same space.
    pub fn merge(&mut self, table: &FrameTable<'_>, mut other: Self) {
        match other.flush {
            Flush::None => {}
            Flush::Pages(pages) => self.flush.add(pages),
            Flush::All => self.flush = Flush::All,
        }
        other.flush = Flush::None;
        self.covers.append(core::mem::take(&mut other.covers));
        self.frames
            .append(table, core::mem::take(&mut other.frames));
    }
}

impl Drop for FlushDebt {
    fn drop(&mut self) {
        debug_assert!(self.is_none(), "a flush debt was dropped unpaid: {self:?}");
    }
}
