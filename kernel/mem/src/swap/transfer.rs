//! Pages under way between frames and slots.

use super::device::{Direction, Ticket};
use alloc::vec::Vec;
use fallible::TryVec;
use vm::addr::Frame;
use vm::frames::{Owner, Use};
use vm::table::Slot;

/// Pages that may wait for the disk, besides those that it has.
const WAITING: usize = 32;
/// Of the disk's requests, those that only reads may take: who waits for a page does not wait behind those that go.
const FOR_READS: u64 = 2;

/// What a page is called whose content is in a slot: as the reverse map called its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageName {
    /// Private memory, or an object's.
    pub used: Use,
    /// Lineage or object.
    pub owner: Owner,
    /// Page of the owner.
    pub index: u64,
}

/// What a transfer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// From the slot to the entries of a page.
    Return(PageName),
    /// From a frame that is evicted to the slot.
    Leave(PageName),
}

impl Work {
    pub(super) fn direction(self) -> Direction {
        match self {
            Self::Return(_) => Direction::Read,
            Self::Leave(_) => Direction::Write,
        }
    }
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Entries are being replaced: cores may still write to the frame.
    Preparing,
    /// Nobody writes to the frame; it waits for the disk.
    Ready,
    /// The disk has it.
    UnderWay(Ticket),
    /// The disk has answered, or is spared: entries and waiters are being told.
    Ending,
}

/// One transfer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transfer {
    pub(super) slot: Slot,
    pub(super) frame: Frame,
    pub(super) work: Work,
    pub(super) stage: Stage,
    /// Somebody waits for the page.
    pub(super) wanted: bool,
}

/// The transfers. A slot is in it once, but for one that ends.
pub(super) struct Table {
    places: Vec<Option<Transfer>>,
    /// Requests that the disk takes at once.
    requests: usize,
}

impl Table {
    /// For a disk that takes so many requests at once; none without memory.
    pub(super) fn new(requests: usize) -> Option<Self> {
        let mut places = Vec::new();
        places.try_resize(requests + WAITING, None).ok()?;
        Some(Self { places, requests })
    }

    /// Transfers that there may be at once.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.iter().all(Option::is_none)
    }

    /// A free place.
    pub(super) fn vacancy(&self) -> Option<usize> {
        self.places.iter().position(Option::is_none)
    }

    /// How many transfers satisfy `condition`.
    pub(super) fn count(&self, condition: impl Fn(&Transfer) -> bool) -> u64 {
        let all = self.places.iter().flatten();
        all.filter(|transfer| condition(transfer)).count() as u64
    }

    /// Whether the disk may get one more.
    pub(super) fn may_start(&self, direction: Direction) -> bool {
        let under_way = self.count(|transfer| matches!(transfer.stage, Stage::UnderWay(_)));
        let free = (self.requests as u64).saturating_sub(under_way);
        match direction {
            Direction::Read => free > 0,
            Direction::Write => free > FOR_READS,
        }
    }

    /// Puts a transfer at a place.
    pub(super) fn set(&mut self, index: usize, transfer: Transfer) {
        self.places[index] = Some(transfer);
    }

    /// The place of the first transfer that satisfies `condition`.
    pub(super) fn find(&self, condition: impl Fn(&Transfer) -> bool) -> Option<usize> {
        let satisfies = |place: &Option<Transfer>| place.as_ref().is_some_and(&condition);
        self.places.iter().position(satisfies)
    }

    /// The transfer at a place.
    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut Transfer> {
        self.places[index].as_mut()
    }

    /// Moves the transfer at a place on to its end; answers how it was.
    pub(super) fn end(&mut self, index: usize) -> Option<Transfer> {
        let transfer = self.places[index].as_mut()?;
        transfer.stage = Stage::Ending;
        Some(*transfer)
    }

    /// All that were being prepared are ready.
    pub(super) fn commit(&mut self) {
        for transfer in self.places.iter_mut().flatten() {
            if transfer.stage == Stage::Preparing {
                transfer.stage = Stage::Ready;
            }
        }
    }

    /// Makes a place free.
    pub(super) fn clear(&mut self, index: usize) {
        self.places[index] = None;
    }
}
