//! What hosts do about pages that are elsewhere, or on their own torus in a deposit.

use torus::{
    TorusId,
    migrate::{Claim, Event},
    pid::Pid,
};
use vm::addr::Page;

use super::{
    Outcome, World,
    memory::{BLOCK, Entry, block},
};

impl World {
    /// Unfolds the block of a page; what was folded there.
    pub(super) fn unfold(&mut self, at: TorusId, pid: Pid, number: u64) {
        let Some(process) = self.tori[at.index()].processes.get(&pid) else {
            return;
        };
        let folded = process.memory.as_ref().and_then(|m| m.folded.get(&number));
        let claim = folded.and_then(|source| process.resident.claim(*source));
        let Some(claim) = claim else { return };
        let safe = self.tori[claim.home.index()].deposits.get(&claim.deposit);
        let frozen = safe.map(|safe| safe.memory.clone());
        if let (Some(frozen), Some(memory)) = (frozen, self.space(at, pid)) {
            memory.unfold(number, &frozen);
        }
    }

    /// A page that is remote by a claim to a deposit of this torus, and its neighbours, are moved over.
    pub(super) fn take_back(&mut self, at: TorusId, pid: Pid, page: Page, claim: Claim) {
        let first = block(page) * BLOCK;
        for page in (first..first + BLOCK).map(Page) {
            if self.space(at, pid).and_then(|memory| memory.entry(page))
                == Some(Entry::Remote(claim.source))
            {
                let safe = self.torus(at).deposits.get_mut(&claim.deposit);
                if let Some(entry) = safe.and_then(|safe| safe.memory.table.remove(&page)) {
                    self.set(at, pid, page, entry);
                }
            }
        }
    }

    /// Pulls something in the background, or gives up claims to which nothing leads.
    pub(super) fn drain(&mut self, at: TorusId, pid: Pid) -> Outcome {
        let Some(process) = self.process(at, pid) else {
            return Ok(());
        };
        let Some(memory) = &process.memory else {
            return Ok(());
        };
        if let Some(number) = memory.folded.keys().next().copied() {
            self.unfold(at, pid, number);
            return Ok(());
        }
        if let Some((first, source)) = memory.next_away() {
            return match process.resident.claim(source) {
                Some(claim) if claim.home == at => {
                    self.take_back(at, pid, first, claim);
                    Ok(())
                }
                _ => self.event(at, pid, Event::Idle { first, source }),
            };
        }
        let claims = process.resident.claims().to_vec();
        for Claim { source, .. } in claims {
            self.event(at, pid, Event::Swept { source })?;
        }
        Ok(())
    }
}
