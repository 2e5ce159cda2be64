//! Pages of objects that leave memory and come back.

use super::{MemoryObject, Pages};
use vm::addr::Frame;
use vm::places::Place;
use vm::table::{Slot, TableMemory};

/// What becomes of a page of which only the object's reference is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It stays.
    Stay,
    /// It can be made again: the caller gets the object's reference to the frame.
    Drop,
    /// It is written to this slot: the caller gets the object's reference to the frame.
    Write(Slot),
}

impl MemoryObject {
    /// Has `decide` say what becomes of page `index`, if it is in `frame` and no other core is at work on the object; nobody gets a
    /// reference to the frame from the object meanwhile. Answers whether it goes.
    pub fn evict(&self, index: u64, frame: Frame, decide: impl FnOnce() -> Way) -> bool {
        let Pages::Own(own) = &self.pages else {
            return false;
        };
        let gone = own.try_place(index, |place| {
            if *place != Place::Frame(frame) {
                return false;
            }
            match decide() {
                Way::Stay => false,
                Way::Drop => {
                    *place = Place::Nowhere;
                    own.count(-1);
                    true
                }
                Way::Write(slot) => {
                    let slots = tori::here().memory().slots();
                    let shared = slots.is_some_and(|slots| slots.share(slot));
                    if shared {
                        *place = Place::Slot(slot);
                    }
                    shared
                }
            }
        });
        gone == Some(true)
    }

    /// Gives page `index` the frame that holds what `slot` does, if it still is in the slot. The object takes references of its own.
    pub fn restore(&self, index: u64, slot: Slot, frame: Frame) {
        let Pages::Own(own) = &self.pages else { return };
        own.with_place(index, |place| {
            if *place != Place::Slot(slot) {
                return;
            }
            let memory = tori::here().memory();
            memory.frames().share(frame);
            // The slot goes: what is in the frame is nowhere else.
            memory.frames().mark_dirty(frame);
            *place = Place::Frame(frame);
            if let Some(slots) = memory.slots() {
                slots.release(slot);
            }
        });
    }
}
