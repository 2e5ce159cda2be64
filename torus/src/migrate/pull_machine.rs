//! The host's machine for one process: what it still has elsewhere, and its moving on.

mod forks;
mod leaving;
mod pulls;

use alloc::vec::Vec;

use vm::{addr::Page, table::Source};

use super::Message;
use super::{Effect, Effects, Event, MigrateError, Window, flights::Flights};
use crate::{DepositId, TorusId, pid::Pid, span::Span};

/// What the machine reads in the page table of its process.
pub trait RemotePages {
    /// Which of the 64 pages from `first` on are remote by this claim.
    fn remote(&self, source: Source, first: Page) -> u64;
}

/// A process's claim to the pages in a deposit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// Its number, by which entries of the page table refer to it.
    pub source: Source,
    /// The home.
    pub home: TorusId,
    /// The deposit there.
    pub deposit: DepositId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    /// A forked child whose deposits are being made.
    Embryo,
    /// Lives here.
    Here,
    /// Lives here and asks for nothing more, so that it can leave.
    Leaving { to: TorusId },
    /// Frozen, and offered to another torus.
    Offered { to: TorusId },
    /// Not here any more, or ended.
    Over,
}

/// A process at its host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PullMachine {
    pid: Pid,
    phase: Phase,
    claims: Vec<Claim>,
    flights: Flights,
    /// Deposits of children that homes are making, of its own children or itself.
    forks: Vec<DepositId>,
    /// The source of the last move, until it says `Departed`.
    arriving: bool,
    window: Window,
}

impl PullMachine {
    /// Claims that a process may leave with and add one.
    const MANY: usize = 16;

    /// A process that was born here and has nothing elsewhere.
    pub const fn new(pid: Pid) -> Self {
        Self {
            pid,
            phase: Phase::Here,
            claims: Vec::new(),
            flights: Flights::new(),
            forks: Vec::new(),
            arriving: false,
            window: Window::new(),
        }
    }

    /// A process that was taken over from `from` with these claims.
    pub fn adopt(pid: Pid, from: TorusId, claims: Vec<Claim>, effects: &mut Effects) -> Self {
        send(effects, from, Message::Adopted { pid });
        Self {
            claims,
            arriving: true,
            ..Self::new(pid)
        }
    }

    /// The process.
    pub const fn pid(&self) -> Pid {
        self.pid
    }

    /// Whether it may run.
    pub const fn runs(&self) -> bool {
        matches!(self.phase, Phase::Here | Phase::Leaving { .. })
    }

    /// Whether deposits are being made for it or for a child of it. Until then its program must not run, and nothing may be
    /// taken back from deposits on the same torus: what is taken from the parent's could be missing in the child's.
    pub const fn is_forking(&self) -> bool {
        !self.forks.is_empty()
    }

    /// Whether it has been asked to leave.
    pub const fn is_leaving(&self) -> bool {
        matches!(self.phase, Phase::Leaving { .. } | Phase::Offered { .. })
    }

    /// What it has elsewhere: goes with the image.
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// The claim to a deposit: messages about it are for this process.
    pub fn claim_to(&self, deposit: DepositId) -> Option<Claim> {
        let known = self.claims.iter().find(|claim| claim.deposit == deposit);
        known.copied()
    }

    /// The claim of this number.
    pub fn claim(&self, source: Source) -> Option<Claim> {
        let known = self.claims.iter().find(|claim| claim.source == source);
        known.copied()
    }

    /// A number for one more claim.
    pub fn free_source(&self) -> Source {
        let free = (0..Source::COUNT).map(Source);
        let mut free = free.filter(|source| self.claim(*source).is_none());
        free.next().unwrap_or(Source(0))
    }

    /// Whether it has so many claims that it has to give up some before it moves on.
    pub const fn is_crowded(&self) -> bool {
        self.claims.len() >= Self::MANY
    }

    /// Takes one event.
    ///
    /// # Errors
    /// [`MigrateError`]; the machine is then as before.
    pub fn step(
        &mut self,
        event: Event,
        table: &impl RemotePages,
        effects: &mut Effects,
    ) -> Result<(), MigrateError> {
        match event {
            Event::Fault { page, source } => self.fault(page, source, table, effects)?,
            Event::Idle { first, source } => self.drain(first, source, table, effects)?,
            Event::Swept { source } => self.swept(source, effects)?,
            Event::Granted { deposit, span } => self.granted(deposit, span, effects),
            Event::Lost { deposit, page } => {
                self.lost(deposit, Span::one(page), effects);
            }
            Event::Copied { deposit, span } => {
                let claim = self.claim_to(deposit);
                let pid = self.pid;
                self.give_up(claim.ok_or(MigrateError::Busy(pid))?, span, effects);
            }
            Event::Uncopied { deposit, span } => self.land(deposit, span, effects),
            Event::Leave { to } => self.leave(to)?,
            Event::Adopted | Event::Refused(_) => self.answered(event, effects)?,
            Event::Departed => self.arriving = false,
            Event::Forked { child } => self.forked(child, effects),
            Event::ForkFailed { child } => self.fork_failed(child, effects),
            Event::Exec => self.exec(effects)?,
            Event::Exit => self.exit(effects)?,
        }
        self.depart_if_quiet(effects);
        Ok(())
    }

    fn known(&self, source: Source) -> Result<Claim, MigrateError> {
        let unknown = MigrateError::NoClaim(self.pid, source);
        self.claim(source).ok_or(unknown)
    }
}

fn send(effects: &mut Effects, to: TorusId, message: Message) {
    effects.push(Effect::Send { to, message });
}

#[cfg(test)]
mod tests;
