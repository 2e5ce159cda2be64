//! The second-chance clock: which frame to evict next.
//!
//! The hand goes over the torus's frame records. The kernel asks the spaces that may map the frame
//! it stops at ([`crate::space::AddressSpace::age`]) and reports what they say; the clock answers
//! whether the frame goes.

use crate::addr::{Frame, PAGES_PER_2M};
use crate::frames::{FrameTable, Owner, Use};
use crate::space::Age;

/// A frame that might go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The frame.
    pub frame: Frame,
    /// Private memory of a lineage, or a page of an object.
    pub used: Use,
    /// Lineage or object.
    pub owner: Owner,
    /// Page of the owner.
    pub index: u64,
}

/// What to do with a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was used since the hand last passed, or not all of its entries were found: it stays.
    Keep,
    /// It is the first of a 2 MiB page that was not used: the page is split, and its parts are what the hand comes upon next.
    Split,
    /// Nobody will miss what is in the frame: replace its entries by nothing.
    Drop,
    /// Its content must be written to a slot (private memory) or by its object first.
    Write,
}

/// The hand of the clock of one torus.
#[derive(Debug, Default)]
pub struct Clock {
    hand: u64,
}

impl Clock {
    /// A clock that begins at the first frame.
    pub const fn new() -> Self {
        Self { hand: 0 }
    }

    /// The next frame that might go. Looks at no more than `look` frames, and takes those that it has
    /// looked at off; none when it found none among them.
    pub fn next(&mut self, frames: &FrameTable<'_>, look: &mut u64) -> Option<Candidate> {
        let range = frames.range();
        while *look > 0 && !range.is_empty() {
            *look -= 1;
            let frame = range.start + self.hand % range.len();
            self.hand = (self.hand + 1) % range.len();
            let used = frames.usage(frame);
            // Without references it is on its way to the pool.
            if matches!(used, Use::Private | Use::Cached)
                && frames.shares(frame) > 0
                && let Some((owner, index)) = frames.owner(frame)
            {
                return Some(Candidate {
                    frame,
                    used,
                    owner,
                    index,
                });
            }
        }
        None
    }

    /// Judges a candidate by the ages of its entries in all spaces of its lineage or object, added
    /// up. `held` is how many references the kernel holds itself (the object's cache: 1).
    pub fn judge(frames: &FrameTable<'_>, candidate: &Candidate, age: Age, held: u32) -> Verdict {
        let stays = age.accessed || age.pinned;
        if stays || age.entries + held != frames.shares(candidate.frame) {
            return Verdict::Keep;
        }
        if age.large {
            let first = candidate.frame.0.is_multiple_of(PAGES_PER_2M);
            return if first { Verdict::Split } else { Verdict::Keep };
        }
        match candidate.used {
            // Content never changes; what is marked was written before the frame became content.
            Use::Cached if candidate.owner == Owner::CONTENT => Verdict::Drop,
            Use::Cached if !age.dirty && !frames.take_dirty(candidate.frame) => Verdict::Drop,
            Use::Cached => {
                frames.mark_dirty(candidate.frame);
                Verdict::Write
            }
            _ => Verdict::Write,
        }
    }
}

impl core::ops::AddAssign for Age {
    fn add_assign(&mut self, other: Self) {
        self.entries += other.entries;
        self.accessed |= other.accessed;
        self.dirty |= other.dirty;
        self.large |= other.large;
        self.pinned |= other.pinned;
    }
}
