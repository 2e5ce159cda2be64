//! Swap devices of the emulated tori, and what else a deposit does not have in a frame.

use torus::{DepositId, TorusId, migrate::DepositEvent, pid::Pid};
use vm::addr::Page;

use super::{Outcome, World, memory::Entry};

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
            for (page, entry) in process.memory.iter().flat_map(|memory| &memory.table) {
                candidates.push((Owner::Process(*pid, *page), *entry));
            }
        }
        for (id, safe) in &torus.deposits {
            for (page, entry) in &safe.memory.table {
                if !safe.pinned.contains(page) {
                    candidates.push((Owner::Deposit(*id, *page), *entry));
                }
            }
        }
        let sole = |(owner, entry)| match entry {
            Entry::Present(frame) if torus.frames.owners(frame) == 1 => Some((owner, frame)),
            _ => None,
        };
        let candidates: Vec<_> = candidates.into_iter().filter_map(sole).collect();
        let Some(index) = index.checked_rem(candidates.len()) else {
            return;
        };
        let (owner, frame) = candidates[index];
        let word = torus.frames.word(frame).unwrap_or_default();
        let Some(slot) = torus.slots.allocate(word) else {
            return;
        };
        torus.frames.free(frame);
        let (page, memory) = match owner {
            Owner::Process(pid, page) => {
                let process = torus.processes.get_mut(&pid);
                (page, process.and_then(|process| process.memory.as_mut()))
            }
            Owner::Deposit(id, page) => {
                let safe = torus.deposits.get_mut(&id);
                (page, safe.map(|safe| &mut safe.memory))
            }
        };
        if let Some(memory) = memory {
            memory.table.insert(page, Entry::Swapped(slot));
        }
    }

    /// Ends the `index`th read that a pull waits for.
    pub(super) fn read_done(&mut self, at: TorusId, index: usize, good: bool) -> Outcome {
        let torus = self.torus(at);
        let Some(index) = index.checked_rem(torus.reads.len()) else {
            return Ok(());
        };
        let (id, page) = torus.reads.remove(index);
        let Some(safe) = torus.deposits.get(&id) else {
            return Ok(());
        };
        let entry = match safe.memory.table.get(&page) {
            Some(Entry::Swapped(slot)) => {
                let slot = *slot;
                let word = torus.slots.word(slot).filter(|_| good);
                let frame = word.and_then(|word| torus.frames.allocate(word));
                frame.map(|frame| {
                    torus.slots.free(slot);
                    Entry::Present(frame)
                })
            }
            // Dropped meanwhile, or in a frame by another way.
            _ => None,
        };
        let safe = torus.deposits.get_mut(&id);
        let done = match (entry, safe) {
            (Some(entry), Some(safe)) => {
                safe.memory.table.insert(page, entry);
                true
            }
            (_, Some(safe)) => matches!(safe.memory.table.get(&page), Some(Entry::Present(_))),
            (_, None) => false,
        };
        self.deposit_event(at, id, DepositEvent::Read { page, good: done })
    }
}
