//! Forks of a process with claims: the homes make deposits for the child, which runs when all of them have.

use super::{Claim, Phase, PullMachine, send};
use crate::migrate::Message;
use crate::migrate::{Effect, Effects, MigrateError};
use crate::{DepositId, pid::Pid};
use fallible::NoMemory;

impl PullMachine {
    /// A forked child. Its table is a copy of its parent's, remote entries included. Until
    /// [`Effect::Start`] it must not run. `name` names its deposits, and `announce` makes the room to find the child by its
    /// claims: before the parent counts as forking, which only the homes' answers end.
    ///
    /// # Errors
    /// [`MigrateError::Busy`] if the process is not running here, [`MigrateError::NoMemory`], also where `announce` has none;
    /// the parent is then as before.
    pub fn fork(
        &mut self,
        child: Pid,
        mut name: impl FnMut() -> DepositId,
        announce: impl FnOnce(&[Claim]) -> Result<(), NoMemory>,
        effects: &mut Effects,
    ) -> Result<Self, MigrateError> {
        if !matches!(self.phase, Phase::Here | Phase::Leaving { .. }) {
            return Err(MigrateError::Busy(self.pid));
        }
        let mut embryo = Self {
            phase: Phase::Embryo,
            ..Self::new(child)
        };
        let count = self.claims.len();
        let rooms = [
            embryo.claims.try_reserve(count),
            embryo.forks.try_reserve(count),
            self.forks.try_reserve(count),
        ];
        if rooms.iter().any(Result::is_err) {
            return Err(MigrateError::NoMemory(self.pid));
        }
        #[expect(clippy::disallowed_methods, reason = "there is room")]
        for claim in &self.claims {
            let deposit = name();
            embryo.claims.push(Claim { deposit, ..*claim });
            embryo.forks.push(deposit);
        }
        announce(&embryo.claims).map_err(|NoMemory| MigrateError::NoMemory(self.pid))?;
        for (own, copy) in self.claims.iter().zip(&embryo.claims) {
            #[expect(clippy::disallowed_methods, reason = "there is room")]
            self.forks.push(copy.deposit);
            let message = Message::Fork {
                parent: own.deposit,
                child: copy.deposit,
            };
            send(effects, own.home, message);
        }
        if embryo.forks.is_empty() {
            embryo.phase = Phase::Here;
        }
        Ok(embryo)
    }

    pub(super) fn forked(&mut self, child: DepositId, effects: &mut Effects) {
        self.forks.retain(|fork| *fork != child);
        if self.phase == Phase::Embryo && self.forks.is_empty() {
            self.phase = Phase::Here;
            effects.push(Effect::Start);
        }
    }

    pub(super) fn fork_failed(&mut self, child: DepositId, effects: &mut Effects) {
        self.forks.retain(|fork| *fork != child);
        let before = self.claims.len();
        self.claims.retain(|claim| claim.deposit != child);
        if self.claims.len() == before {
            return; // the parent
        }
        if self.phase == Phase::Embryo {
            effects.push(Effect::Abort);
            self.end(effects);
        }
    }
}
