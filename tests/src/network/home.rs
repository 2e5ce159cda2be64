//! Executes the effects of deposits, as the kernel of a home does.

use std::collections::BTreeMap;

use torus::{
    DepositId, TorusId,
    migrate::{Deposit, DepositEffect, DepositEvent},
    span::Span,
};
use vm::addr::Page;

use super::{
    Outcome, World, Wrong,
    torus_state::{Entry, KeptTable, Place, Safe},
};

impl World {
    /// Closes the deposit of a process that is back, makes its entries the process's own again, and answers the
    /// frame of the deposit's table.
    pub(super) fn take_back(
        &mut self,
        at: TorusId,
        deposit: DepositId,
        table: &mut BTreeMap<Page, Entry>,
    ) -> Result<u64, Wrong> {
        let torus = self.torus(at);
        let Some(mut safe) = torus.deposits.remove(&deposit) else {
            return Err(Wrong(format!(
                "deposit {deposit} is taken back, but closed"
            )));
        };
        for (page, entry) in table {
            if !matches!(entry, Entry::Remote(home, _) | Entry::Lease(home, _) if *home == at) {
                continue;
            }
            let kept = safe.kept.remove(page);
            let kept = kept.ok_or_else(|| Wrong(format!("{page:?} is not in {deposit}")))?;
            *entry = match kept.place {
                Place::Frame(frame) if kept.lease => Entry::Shared(frame),
                Place::Frame(frame) => Entry::Present(frame),
                Place::Slot(slot) => Entry::Swapped(slot),
            };
        }
        for kept in safe.kept.into_values() {
            torus.free(kept.place);
        }
        Ok(safe.table_frame)
    }

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
        let mut effects = Vec::new();
        safe.deposit
            .step(event, &KeptTable(&safe.kept), &mut effects)?;
        for effect in effects {
            match effect {
                DepositEffect::Send { to, message } => self.send(at, to, message),
                DepositEffect::Pin(span) => {
                    let kept = self
                        .torus(at)
                        .deposits
                        .get_mut(&id)
                        .map(|safe| &mut safe.kept);
                    for (_, kept) in kept
                        .into_iter()
                        .flatten()
                        .filter(|(p, _)| span.contains(**p))
                    {
                        kept.pinned = true;
                    }
                }
                DepositEffect::ReadIn(page) => self.torus(at).reads.push((id, page)),
                DepositEffect::Drop(span) => self.drop_kept(at, id, span),
                DepositEffect::Clone { to, child } => self.clone_deposit(at, id, to, child)?,
                DepositEffect::Close => self.close(at, id),
            }
        }
        Ok(())
    }

    fn drop_kept(&mut self, at: TorusId, id: DepositId, span: Span) {
        for page in span.pages() {
            let torus = self.torus(at);
            let kept = torus
                .deposits
                .get_mut(&id)
                .and_then(|safe| safe.kept.remove(&page));
            if let Some(kept) = kept {
                torus.free(kept.place);
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
        let frame = torus.frames.allocate(0);
        if let (Some(table_frame), Some(safe)) = (frame, torus.deposits.get(&id)) {
            let mut kept = safe.kept.clone();
            kept.values_mut().for_each(|kept| kept.pinned = false);
            kept.values().for_each(|kept| torus.share(kept.place));
            let deposit = Deposit::new(child, kept.len() as u64);
            torus.deposits.insert(
                child,
                Safe {
                    deposit,
                    table_frame,
                    kept,
                },
            );
        }
        let good = frame.is_some();
        self.deposit_event(at, id, DepositEvent::Cloned { to, child, good })
    }

    fn close(&mut self, at: TorusId, id: DepositId) {
        let torus = self.torus(at);
        let Some(safe) = torus.deposits.remove(&id) else {
            return;
        };
        for kept in safe.kept.into_values() {
            torus.free(kept.place);
        }
        torus.frames.free(safe.table_frame);
    }
}
