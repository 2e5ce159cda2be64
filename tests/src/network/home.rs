//! Executes the effects of deposits, as the kernel of a home does.

use std::{collections::BTreeSet, mem};

use torus::{
    DepositId, TorusId,
    migrate::{Deposit, DepositEffect, DepositEffects, DepositEvent, Held, HeldPages, Message},
    span::Span,
};
use vm::addr::{Frame, Page};

use super::{Outcome, World, memory::Entry, memory::Memory, torus_state::Safe};

/// What the machine of a deposit sees.
struct Pages<'a>(&'a Memory, &'a mut BTreeSet<Page>);

impl HeldPages for Pages<'_> {
    fn pin(&mut self, page: Page) -> Option<Held> {
        match self.0.table.get(&page)? {
            Entry::Present(_) => {
                self.1.insert(page);
                Some(Held::Here)
            }
            Entry::Swapped(_) => Some(Held::Away),
            _ => None,
        }
    }

    fn has(&self, page: Page) -> bool {
        let entry = self.0.table.get(&page);
        matches!(entry, Some(Entry::Present(_) | Entry::Swapped(_)))
    }
}

impl World {
    /// Steps the machine of a deposit, and executes what it wants.
    pub(super) fn deposit_event(
        &mut self,
        at: TorusId,
        id: DepositId,
        event: DepositEvent,
    ) -> Outcome {
        let Some(safe) = self.torus(at).deposits.get_mut(&id) else {
            return Ok(());
        };
        let mut effects = DepositEffects::new();
        let pages = &mut Pages(&safe.memory, &mut safe.pinned);
        safe.deposit.step(event, pages, &mut effects)?;
        for effect in effects {
            match effect {
                DepositEffect::Send { to, message } => self.send(at, to, message),
                DepositEffect::Lose { to, span } => {
                    for page in span.pages() {
                        let message = Message::Lost { deposit: id, page };
                        self.send(at, to, message);
                    }
                }
                DepositEffect::ReadIn(span) => {
                    let reads = span.pages().map(|page| (id, page));
                    self.torus(at).reads.extend(reads);
                }
                DepositEffect::Drop(span) => self.drop_kept(at, id, span),
                DepositEffect::Clone { to, child } => self.clone_deposit(at, id, to, child)?,
                DepositEffect::Close => self.close(at, id),
            }
        }
        Ok(())
    }

    fn drop_kept(&mut self, at: TorusId, id: DepositId, span: Span) {
        let torus = self.torus(at);
        for page in span.pages() {
            let safe = torus.deposits.get_mut(&id);
            let kept = safe.and_then(|safe| safe.memory.table.remove(&page));
            if let Some(kept) = kept {
                torus.drop_entry(kept);
            }
        }
    }

    fn clone_deposit(
        &mut self,
        at: TorusId,
        id: DepositId,
        to: TorusId,
        child: DepositId,
    ) -> Outcome {
        let torus = self.torus(at);
        let Some(safe) = torus.deposits.get_mut(&id) else {
            return Ok(());
        };
        // Out of the way while the torus shares what is in it.
        let own = mem::replace(&mut safe.memory, Memory::new(0));
        let shared = torus.share_memory(&own);
        if let Some(safe) = torus.deposits.get_mut(&id) {
            safe.memory = own;
        }
        let root = shared.as_ref().map(|memory| Frame(memory.table_frame));
        if let Some(memory) = shared {
            let safe = Safe {
                deposit: Deposit::new(child),
                memory,
                pinned: BTreeSet::new(),
            };
            torus.deposits.insert(child, safe);
        }
        self.deposit_event(at, id, DepositEvent::Cloned { to, child, root })
    }

    fn close(&mut self, at: TorusId, id: DepositId) {
        let torus = self.torus(at);
        if let Some(safe) = torus.deposits.remove(&id) {
            torus.drop_memory(safe.memory);
        }
    }
}
