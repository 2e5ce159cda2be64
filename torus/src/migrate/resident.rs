//! The host's machine for one process: what it still has elsewhere, and its moving on.

use alloc::vec::Vec;

use fallible::NoMemory;
use vm::{
    addr::{Page, PageRange},
    table::Source,
};

use super::{Effect, Effects, Event, MigrateError, Window, flights::Flights};
use crate::{DepositId, TorusId, message::Message, pid::Pid, span::Span};

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
pub struct Resident {
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

impl Resident {
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
            Event::Unneeded { source, span } => {
                self.give_up(self.known(source)?, span, effects);
            }
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

    /// Pulls a page that a thread waits for, with neighbours.
    fn fault(
        &mut self,
        page: Page,
        source: Source,
        table: &impl RemotePages,
        effects: &mut Effects,
    ) -> Result<(), MigrateError> {
        let claim = self.known(source)?;
        if self.flights.wait_for(claim.deposit, page) {
            return Ok(());
        }
        // A leaving process asks again where it arrives, or when it stays.
        if self.phase != Phase::Here {
            return Ok(());
        }
        let mut pages = PageRange::at(page, 1);
        if !self.flights.are_many() {
            pages = self.window.fault(page);
        }
        let wanted = Span::one(page);
        let mut asked = PageRange::at(page, 1);
        for first in pages.iter().step_by(Span::PAGES as usize) {
            let mut span = Span { first, mask: 0 };
            span.mask = table.remote(source, first) & low(pages.end - first) | span.bit(page);
            if let (Some(lowest), Some(highest)) = (span.pages().next(), span.pages().last()) {
                asked.start = asked.start.min(lowest);
                asked.end = asked.end.max(Page(highest.0 + 1));
            }
            self.pull(claim, span, wanted, effects);
        }
        self.window.pulled(asked);
        Ok(())
    }

    /// Pulls some pages that nobody waits for, unless pulls are under way. A process that has to give up claims before it
    /// leaves goes on with that.
    fn drain(
        &mut self,
        first: Page,
        source: Source,
        table: &impl RemotePages,
        effects: &mut Effects,
    ) -> Result<(), MigrateError> {
        let claim = self.known(source)?;
        let held_up = matches!(self.phase, Phase::Leaving { .. }) && self.is_crowded();
        if (self.phase == Phase::Here || held_up) && self.flights.is_empty() {
            let pages = self.window.drain(first);
            for first in pages.iter().step_by(Span::PAGES as usize) {
                let mask = table.remote(source, first);
                self.pull(claim, Span { first, mask }, Span::default(), effects);
            }
        }
        Ok(())
    }

    /// Gives up a claim that nothing leads to any more.
    fn swept(&mut self, source: Source, effects: &mut Effects) -> Result<(), MigrateError> {
        let Claim { home, deposit, .. } = self.known(source)?;
        if self.runs() && !self.flights.wait_on(deposit) {
            self.claims.retain(|claim| claim.source != source);
            send(effects, home, Message::Release { deposit });
        }
        Ok(())
    }

    fn pull(&mut self, claim: Claim, span: Span, awaited: Span, effects: &mut Effects) {
        let deposit = claim.deposit;
        let span = self.flights.begin(deposit, span, awaited);
        if !span.is_empty() {
            send(effects, claim.home, Message::Pull { deposit, span });
        }
    }

    /// Copies what was asked for.
    fn granted(&mut self, deposit: DepositId, span: Span, effects: &mut Effects) {
        let wanted = self.flights.under_way(deposit, span);
        wanted.for_each(|(span, awaited)| {
            effects.push(Effect::Copy {
                deposit,
                span,
                awaited,
            });
        });
    }

    /// Gives up pages of a claim, whether they have arrived or are not needed.
    fn give_up(&mut self, claim: Claim, span: Span, effects: &mut Effects) {
        let Claim { home, deposit, .. } = claim;
        if !span.is_empty() {
            send(effects, home, Message::Free { deposit, span });
        }
        self.land(deposit, span, effects);
    }

    /// These pages are not under way any more.
    fn land(&mut self, deposit: DepositId, span: Span, effects: &mut Effects) {
        self.flights
            .land(deposit, span, |awaited| effects.push(Effect::Wake(awaited)));
    }

    /// Pages could not be had: whoever waits for one cannot go on.
    fn lost(&mut self, deposit: DepositId, span: Span, effects: &mut Effects) {
        let mut waits = false;
        self.flights.land(deposit, span, |_| waits = true);
        if waits {
            effects.push(Effect::Kill);
        }
    }

    fn leave(&mut self, to: TorusId) -> Result<(), MigrateError> {
        if self.phase != Phase::Here {
            return Err(MigrateError::Busy(self.pid));
        }
        self.phase = Phase::Leaving { to };
        Ok(())
    }

    /// Departs once nothing is under way that a message from the new host could overtake.
    fn depart_if_quiet(&mut self, effects: &mut Effects) {
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
    fn answered(&mut self, event: Event, effects: &mut Effects) -> Result<(), MigrateError> {
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

    fn forked(&mut self, child: DepositId, effects: &mut Effects) {
        self.forks.retain(|fork| *fork != child);
        if self.phase == Phase::Embryo && self.forks.is_empty() {
            self.phase = Phase::Here;
            effects.push(Effect::Start);
        }
    }

    fn fork_failed(&mut self, child: DepositId, effects: &mut Effects) {
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

    fn exec(&mut self, effects: &mut Effects) -> Result<(), MigrateError> {
        // One that may depart can still run until it is frozen.
        if !self.runs() && !matches!(self.phase, Phase::Offered { .. }) {
            return Err(MigrateError::Busy(self.pid));
        }
        self.release_all(effects);
        Ok(())
    }

    fn exit(&mut self, effects: &mut Effects) -> Result<(), MigrateError> {
        match self.phase {
            // One that may depart can still be killed before it is frozen; afterwards it does not run.
            Phase::Embryo | Phase::Here | Phase::Leaving { .. } | Phase::Offered { .. } => {
                self.end(effects);
                Ok(())
            }
            Phase::Over => Err(MigrateError::Busy(self.pid)),
        }
    }

    fn end(&mut self, effects: &mut Effects) {
        self.release_all(effects);
        // Answers of homes that are still to come concern nobody any more.
        self.forks.clear();
        self.phase = Phase::Over;
        effects.push(Effect::Over);
    }

    /// Has every home close its deposit.
    fn release_all(&mut self, effects: &mut Effects) {
        self.flights.clear();
        for Claim { home, deposit, .. } in self.claims.drain(..) {
            send(effects, home, Message::Release { deposit });
        }
    }

    fn known(&self, source: Source) -> Result<Claim, MigrateError> {
        let unknown = MigrateError::NoClaim(self.pid, source);
        self.claim(source).ok_or(unknown)
    }
}

/// The lowest `count` bits.
const fn low(count: u64) -> u64 {
    if count >= Span::PAGES {
        u64::MAX
    } else {
        (1 << count) - 1
    }
}

fn send(effects: &mut Effects, to: TorusId, message: Message) {
    effects.push(Effect::Send { to, message });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DepositNames;

    /// A process of torus 0 with pages on tori 1 and 2.
    fn parent() -> Resident {
        let homes = [1, 2].map(|home| TorusId::new(home).unwrap());
        let claims = homes.map(|home| Claim {
            source: Source(home.index() as u16),
            home,
            deposit: DepositNames::new(home).give(),
        });
        let pid = Pid::from_raw(7).unwrap();
        Resident::adopt(pid, homes[0], claims.to_vec(), &mut Effects::new())
    }

    #[test]
    fn one_home_that_fails_is_enough_for_a_child_not_to_be_born() {
        let mut parent = parent();
        let own = TorusId::new(0).unwrap();
        let pid = Pid::from_raw(8).unwrap();
        let mut names = DepositNames::new(own);
        let child = parent.fork(pid, || names.give(), |_| Ok(()), &mut Effects::new());
        let mut child = child.unwrap();
        assert!(parent.is_forking());
        let deposits: Vec<DepositId> = child.claims().iter().map(|claim| claim.deposit).collect();
        assert!(child.is_forking() && !child.runs());
        let mut effects = Effects::new();
        child.fork_failed(deposits[0], &mut effects);
        // The other home's answer does not find the child any more.
        assert!(!child.is_forking() && !child.runs());
        let released = Effect::Send {
            to: TorusId::new(2).unwrap(),
            message: Message::Release {
                deposit: deposits[1],
            },
        };
        assert!(effects.contains(&released), "{effects:?}");
    }

    #[test]
    fn a_parent_whose_child_cannot_be_noted_does_not_wait_for_homes() {
        let mut parent = parent();
        let before = parent.clone();
        let mut names = DepositNames::new(TorusId::new(0).unwrap());
        let pid = Pid::from_raw(8).unwrap();
        let mut effects = Effects::new();
        let child = parent.fork(pid, || names.give(), |_| Err(NoMemory), &mut effects);
        assert_eq!(child, Err(MigrateError::NoMemory(parent.pid())));
        assert!(effects.is_empty() && parent == before);
    }
}
