//! Swap devices of the emulated tori.

use torus::{DepositId, TorusId, migrate::DepositEvent, pid::Pid};
use vm::addr::Page;

use super::{
    Outcome, World,
    torus_state::{Entry, Place},
};

/// Whose page is swapped out.
#[derive(Clone, Copy)]
enum Owner {
    Process(Pid, Page),
    Deposit(DepositId, Page),
}

impl World {
    /// Swaps out the `index`th page that only one has and that was not granted.
    pub(super) fn swap_out(&mut self, at: TorusId, index: usize) {
        let torus = self.torus(at);
        let mut candidates = Vec::new();
        for (pid, process) in &torus.processes {
            for (page, entry) in &process.table {
                if let Entry::Present(frame) = *entry {
                    candidates.push((Owner::Process(*pid, *page), frame));
                }
            }
        }
        for (id, safe) in &torus.deposits {
            for (page, kept) in safe
                .kept
                .iter()
                .filter(|(_, kept)| !kept.pinned && !kept.lease)
            {
                if let Place::Frame(frame) = kept.place {
                    candidates.push((Owner::Deposit(*id, *page), frame));
                }
            }
        }
        candidates.retain(|(_, frame)| torus.frames.owners(*frame) == 1);
        let Some(index) = index.checked_rem(candidates.len()) else {
            return;
        };
        let (owner, frame) = candidates[index];
        let word = torus.frames.word(frame).unwrap_or_default();
        let Some(slot) = torus.slots.allocate(word) else {
            return;
        };
        torus.frames.free(frame);
        match owner {
            Owner::Process(pid, page) => self.set(at, pid, page, Entry::Swapped(slot)),
            Owner::Deposit(id, page) => {
                let safe = torus.deposits.get_mut(&id);
                if let Some(kept) = safe.and_then(|safe| safe.kept.get_mut(&page)) {
                    kept.place = Place::Slot(slot);
                }
            }
        }
    }

    /// Ends the `index`th read that a pull waits for.
    pub(super) fn read_done(&mut self, at: TorusId, index: usize, good: bool) -> Outcome {
        let torus = self.torus(at);
        let Some(index) = index.checked_rem(torus.reads.len()) else {
            return Ok(());
        };
        let (id, page) = torus.reads.remove(index);
        let safe = torus.deposits.get_mut(&id);
        // Of a page that was dropped meanwhile, what was read is thrown away.
        let Some(kept) = safe.and_then(|safe| safe.kept.get_mut(&page)) else {
            return Ok(());
        };
        let mut done = false;
        if let (true, Place::Slot(slot)) = (good, kept.place) {
            let word = torus.slots.word(slot);
            if let Some(frame) = word.and_then(|word| torus.frames.allocate(word)) {
                torus.slots.free(slot);
                kept.place = Place::Frame(frame);
                done = true;
            }
        }
        self.deposit_event(at, id, DepositEvent::Read { page, good: done })
    }
}
