//! A process that leaves its host: to another torus, or for ever.

use super::{Claim, Phase, PullMachine, send};
use crate::TorusId;
use crate::migrate::Message;
use crate::migrate::{Effect, Effects, Event, MigrateError};

impl PullMachine {
    pub(super) fn leave(&mut self, to: TorusId) -> Result<(), MigrateError> {
        if self.phase != Phase::Here {
            return Err(MigrateError::Busy(self.pid));
        }
        self.phase = Phase::Leaving { to };
        Ok(())
    }

    /// Departs once nothing is under way that a message from the new host could overtake.
    pub(super) fn depart_if_quiet(&mut self, effects: &mut Effects) {
        let quiet = self.flights.is_empty() && self.forks.is_empty() && !self.arriving;
        if let Phase::Leaving { to } = self.phase
            && quiet
            && !self.is_crowded()
        {
            self.phase = Phase::Offered { to };
            effects.push(Effect::Depart { to });
        }
    }

    /// The target has answered the offer.
    pub(super) fn answered(
        &mut self,
        event: Event,
        effects: &mut Effects,
    ) -> Result<(), MigrateError> {
        let Phase::Offered { to } = self.phase else {
            return Err(MigrateError::Busy(self.pid));
        };
        if let Event::Refused(reason) = event {
            self.phase = Phase::Here;
            effects.push(Effect::Resume(reason));
        } else {
            self.phase = Phase::Over;
            effects.push(Effect::Forward { to });
            send(effects, to, Message::Departed { pid: self.pid });
            effects.push(Effect::Forget);
        }
        Ok(())
    }

    pub(super) fn exec(&mut self, effects: &mut Effects) -> Result<(), MigrateError> {
        // One that may depart can still run until it is frozen.
        if !self.runs() && !matches!(self.phase, Phase::Offered { .. }) {
            return Err(MigrateError::Busy(self.pid));
        }
        self.release_all(effects);
        Ok(())
    }

    pub(super) fn exit(&mut self, effects: &mut Effects) -> Result<(), MigrateError> {
        match self.phase {
            // One that may depart can still be killed before it is frozen; afterwards it does not run.
            Phase::Embryo | Phase::Here | Phase::Leaving { .. } | Phase::Offered { .. } => {
                self.end(effects);
                Ok(())
            }
            Phase::Over => Err(MigrateError::Busy(self.pid)),
        }
    }

    pub(super) fn end(&mut self, effects: &mut Effects) {
        self.release_all(effects);
        self.phase = Phase::Over;
        effects.push(Effect::Over);
    }

    /// Has every home close its deposit. Answers that are still to come concern nobody any more.
    fn release_all(&mut self, effects: &mut Effects) {
        self.flights.clear();
        self.forks.clear();
        for Claim { home, deposit, .. } in self.claims.drain(..) {
            send(effects, home, Message::Release { deposit });
        }
    }
}
