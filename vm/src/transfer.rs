//! Pages under way between frames and slots of the swap device: which may start, and to whom each goes at its end.
//!
//! A transfer that leaves is *preparing* while entries are replaced, *ready* when no core writes to its frame any more, *under way* when
//! the device has it, and *ending* while entries and waiters are told; one that returns begins as ready. The kernel carries out what
//! [`Transfers`] answers, under one lock; a transfer stays in the table to its end, so that nobody starts another for its slot.

#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use fallible::TryVec;

use crate::addr::Frame;
use crate::frames::{Owner, Use};
use crate::table::Slot;

/// Pages that may wait for the device, besides those that it has.
const WAITING: usize = 32;
/// Of the device's requests, those that only reads may take: who waits for a page does not wait behind those that go.
const FOR_READS: usize = 2;

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the device to memory.
    Read,
    /// From memory to the device.
    Write,
}

/// A request under way: which of the device's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(pub usize);

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
enum Work {
    /// From the slot to the entries of a page.
    Return(PageName),
    /// From a frame that is evicted to the slot.
    Leave(PageName),
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Preparing,
    Ready,
    UnderWay(Ticket),
    Ending,
}

/// How a transfer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The device has done it.
    Done,
    /// The device has failed, or has not taken it.
    Failed,
    /// The device has given back something else than it was given.
    Changed,
    /// The page was wanted before the device had it.
    Spared,
}

impl End {
    /// Whether the slot is of no use any more.
    pub const fn spoils_slot(self) -> bool {
        matches!(self, Self::Failed | Self::Changed)
    }
}

/// One transfer. It holds a reference to its slot and one to its frame.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    /// The slot.
    pub slot: Slot,
    /// The frame.
    pub frame: Frame,
    work: Work,
    stage: Stage,
    /// Somebody waits for the page.
    wanted: bool,
}

impl Transfer {
    /// Which way its page goes.
    pub const fn direction(&self) -> Direction {
        match self.work {
            Work::Return(_) => Direction::Read,
            Work::Leave(_) => Direction::Write,
        }
    }

    /// The page whose entries get the frame when the transfer ends so; none where they keep the slot.
    pub fn returns_to(&self, end: End) -> Option<PageName> {
        match self.work {
            Work::Return(page) => (end == End::Done).then_some(page),
            Work::Leave(page) => (end != End::Done || self.wanted).then_some(page),
        }
    }
}

/// What is to be done next for those that are ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing, or nothing before the device has answered.
    Nothing,
    /// The page of the transfer at this place is wanted: it ends as [`End::Spared`].
    Spare(usize),
    /// The transfer at this place goes to the device.
    Write(usize),
}

/// The transfers of a device. A slot is in it once, but for one that ends.
#[derive(Debug)]
pub struct Transfers {
    places: Vec<Option<Transfer>>,
    /// Requests that the device takes at once.
    requests: usize,
}

#[expect(
    clippy::len_without_is_empty,
    reason = "a number of places, which is never 0"
)]
impl Transfers {
    /// For a device that takes so many requests at once; none without memory.
    pub fn new(requests: usize) -> Option<Self> {
        let mut places = Vec::new();
        places.try_resize(requests + WAITING, None).ok()?;
        Some(Self { places, requests })
    }

    /// Transfers that there may be at once: each has a place below this number.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_idle(&self) -> bool {
        self.places.iter().all(Option::is_none)
    }

    /// Frames that will be free when the device has what is under way.
    pub fn leaving(&self) -> u64 {
        self.count(|transfer| transfer.direction() == Direction::Write) as u64
    }

    /// Somebody wants what a slot holds: the place of the transfer whose end is to be waited for, if it is under way.
    pub fn want(&mut self, slot: Slot) -> Option<usize> {
        let index = self.find(|transfer| transfer.slot == slot)?;
        self.places[index].as_mut()?.wanted = true;
        Some(index)
    }

    /// A place for a page that leaves.
    pub fn vacancy(&self) -> Option<usize> {
        self.places.iter().position(Option::is_none)
    }

    /// A place for a page that returns, which the device takes now.
    pub fn vacancy_to_read(&self) -> Option<usize> {
        self.vacancy().filter(|_| self.under_way() < self.requests)
    }

    /// A page leaves its frame for a slot, of which the transfer gets a reference each. From now on who wants the slot waits.
    pub fn leave(&mut self, index: usize, slot: Slot, frame: Frame, page: PageName) {
        self.places[index] = Some(Transfer {
            slot,
            frame,
            work: Work::Leave(page),
            stage: Stage::Preparing,
            wanted: false,
        });
    }

    /// A page returns from its slot to a frame, of which the transfer gets a reference each: the device is to have it at once.
    pub fn bring(&mut self, index: usize, slot: Slot, frame: Frame, page: PageName) {
        self.places[index] = Some(Transfer {
            slot,
            frame,
            work: Work::Return(page),
            stage: Stage::Ready,
            wanted: true,
        });
    }

    /// The transfer of a slot that nobody refers to is none any more.
    pub fn abandon(&mut self, slot: Slot) {
        if let Some(index) = self.find(|transfer| transfer.slot == slot) {
            self.clear(index);
        }
    }

    /// No core writes to the frames of those that were being prepared any more: they are ready.
    pub fn commit(&mut self) {
        for transfer in self.places.iter_mut().flatten() {
            if transfer.stage == Stage::Preparing {
                transfer.stage = Stage::Ready;
            }
        }
    }

    /// What is to be done next.
    pub fn next(&self) -> Next {
        let Some(index) = self.find(|transfer| transfer.stage == Stage::Ready) else {
            return Next::Nothing;
        };
        if self.get(index).is_some_and(|transfer| transfer.wanted) {
            Next::Spare(index)
        } else if self.under_way() + FOR_READS < self.requests {
            Next::Write(index)
        } else {
            Next::Nothing
        }
    }

    /// The transfer at a place.
    pub fn get(&self, index: usize) -> Option<&Transfer> {
        self.places[index].as_ref()
    }

    /// The device has taken the transfer at a place.
    pub fn started(&mut self, index: usize, ticket: Ticket) {
        if let Some(transfer) = &mut self.places[index] {
            transfer.stage = Stage::UnderWay(ticket);
        }
    }

    /// The device has answered: the transfer of the request, and its place, until which is [cleared](Self::clear) it ends.
    pub fn finished(&mut self, ticket: Ticket) -> Option<(usize, Transfer)> {
        let index = self.find(|transfer| transfer.stage == Stage::UnderWay(ticket))?;
        Some((index, self.end(index)?))
    }

    /// Moves the transfer at a place on to its end; answers how it was.
    pub fn end(&mut self, index: usize) -> Option<Transfer> {
        let transfer = self.places[index].as_mut()?;
        transfer.stage = Stage::Ending;
        Some(*transfer)
    }

    /// Makes a place free.
    pub fn clear(&mut self, index: usize) {
        self.places[index] = None;
    }

    /// Requests that the device has.
    fn under_way(&self) -> usize {
        self.count(|transfer| matches!(transfer.stage, Stage::UnderWay(_)))
    }

    fn count(&self, condition: impl Fn(&Transfer) -> bool) -> usize {
        let all = self.places.iter().flatten();
        all.filter(|transfer| condition(transfer)).count()
    }

    fn find(&self, condition: impl Fn(&Transfer) -> bool) -> Option<usize> {
        let satisfies = |place: &Option<Transfer>| place.as_ref().is_some_and(&condition);
        self.places.iter().position(satisfies)
    }
}
