//! The host's machine for one process: what it still has elsewhere, and its moving on.

use alloc::vec::Vec;

use vm::addr::{Frame, Page, PageRange};

use super::{Effect, Event, Killed, MigrateError, Window, flights::Flights};
use crate::{DepositId, DepositNames, TorusId, message::Message, pid::Pid, span::Span};

/// What the machine reads in the page table of its process.
pub trait RemotePages {
    /// Which of the 64 pages from `first` on are remote, private, and in the deposit at `home`.
    fn remote(&self, home: TorusId, first: Page) -> u64;
}

/// A process's pages in the deposit at one home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The home.
    pub home: TorusId,
    /// The deposit there.
    pub deposit: DepositId,
    /// Private pages that are still there.
    pub pages: u64,
    /// Shared pages that are mapped from there.
    pub leases: u64,
}

impl Claim {
    const fn is_empty(&self) -> bool {
        self.pages + self.leases == 0
    }
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
    /// Ended, with deposits that are not closed yet.
    Ending,
    /// Nothing left.
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

    /// A process that was taken over from `from` with these claims; none is on this torus, where the deposit
    /// was taken back.
    pub fn adopt(pid: Pid, from: TorusId, claims: Vec<Claim>, effects: &mut Vec<Effect>) -> Self {
        send(effects, from, Message::Adopted { pid });
        Self {
            claims,
            arriving: true,
            ..Self::new(pid)
        }
    }

    /// A forked child. Its table is a copy of its parent's, remote entries and leases included. Until
    /// [`Effect::Start`] it must not run.
    ///
    /// # Errors
    /// [`MigrateError::Busy`] if the process is not running here.
    pub fn fork(
        &mut self,
        child: Pid,
        names: &mut DepositNames,
        effects: &mut Vec<Effect>,
    ) -> Result<Self, MigrateError> {
        if !matches!(self.phase, Phase::Here | Phase::Leaving { .. }) {
            return Err(MigrateError::Busy(self.pid));
        }
        let mut embryo = Self {
            phase: Phase::Embryo,
            ..Self::new(child)
        };
        for claim in self.claims.iter().filter(|claim| !claim.is_empty()) {
            let deposit = names.give();
            embryo.claims.push(Claim { deposit, ..*claim });
            embryo.forks.push(deposit);
            self.forks.push(deposit);
            send(
                effects,
                claim.home,
                Message::Fork {
                    parent: claim.deposit,
                    child: deposit,
                },
            );
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

    /// What it has elsewhere: goes with the image.
    pub fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.claims.iter().filter(|claim| !claim.is_empty())
    }

    /// Whether messages about `deposit` are for this process.
    pub fn knows(&self, deposit: DepositId) -> bool {
        self.claims.iter().any(|claim| claim.deposit == deposit)
    }

    /// Private pages that are elsewhere: the residual set.
    pub fn residual(&self) -> u64 {
        self.claims.iter().map(|claim| claim.pages).sum()
    }

    /// Takes one event.
    ///
    /// # Errors
    /// [`MigrateError`]; the machine is then as before.
    pub fn step(
        &mut self,
        event: Event,
        table: &impl RemotePages,
        effects: &mut Vec<Effect>,
    ) -> Result<(), MigrateError> {
        match event {
            Event::Fault { page, home } => self.fault(page, home, table, effects)?,
            Event::Idle { first, home } => self.drain(first, home, table, effects)?,
            Event::Granted { deposit, span } => self.granted(deposit, span, None, effects),
            Event::GrantedAt {
                deposit,
                page,
                frame,
            } => {
                self.granted(deposit, Span::one(page), Some(frame), effects);
            }
            Event::Lost { deposit, page } => {
                self.failed(deposit, Span::one(page), Killed::PageLost, effects);
            }
            Event::Copied { deposit, span } => self.copied(deposit, span, effects)?,
            Event::Uncopied { deposit, span } => {
                self.failed(deposit, span, Killed::NoMemory, effects);
            }
            Event::Unneeded { home, span, leases } => {
                self.give_up(home, span, leases, effects)?;
            }
            Event::Leave { to } => self.leave(to)?,
            Event::Adopted | Event::Refused(_) => self.answered(event, effects)?,
            Event::Departed => self.arriving = false,
            Event::Forked { child } => self.forked(child, effects),
            Event::ForkFailed { child } => self.fork_failed(child, effects),
            Event::Released { deposit } => self.released(deposit, effects),
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
        home: TorusId,
        table: &impl RemotePages,
        effects: &mut Vec<Effect>,
    ) -> Result<(), MigrateError> {
        let deposit = self.claim(home)?.deposit;
        if self.flights.wait_for(deposit, page) {
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
        for first in pages.iter().step_by(Span::PAGES as usize) {
            let mask = table.remote(home, first) & low(pages.end - first);
            self.pull(
                home,
                deposit,
                Span { first, mask },
                Span::one(page),
                effects,
            );
        }
        Ok(())
    }

    /// Pulls some pages that nobody waits for, unless pulls are under way.
    fn drain(
        &mut self,
        first: Page,
        home: TorusId,
        table: &impl RemotePages,
        effects: &mut Vec<Effect>,
    ) -> Result<(), MigrateError> {
        let deposit = self.claim(home)?.deposit;
        if self.phase == Phase::Here && self.flights.is_empty() {
            let span = Span {
                first,
                mask: table.remote(home, first),
            };
            self.pull(home, deposit, span, Span::default(), effects);
        }
        Ok(())
    }

    fn pull(
        &mut self,
        home: TorusId,
        deposit: DepositId,
        span: Span,
        awaited: Span,
        effects: &mut Vec<Effect>,
    ) {
        let span = self.flights.begin(deposit, span, awaited);
        if !span.is_empty() {
            send(effects, home, Message::Pull { deposit, span });
        }
    }

    /// Copies what is still wanted of a grant.
    fn granted(
        &mut self,
        deposit: DepositId,
        span: Span,
        frame: Option<Frame>,
        effects: &mut Vec<Effect>,
    ) {
        let wanted = self.flights.under_way(deposit, span);
        effects.extend(wanted.map(|span| Effect::Copy {
            deposit,
            span,
            frame,
        }));
    }

    /// Has the home free what was copied.
    fn copied(
        &mut self,
        deposit: DepositId,
        span: Span,
        effects: &mut Vec<Effect>,
    ) -> Result<(), MigrateError> {
        let claim = self.claims.iter().find(|claim| claim.deposit == deposit);
        let home = claim.ok_or(MigrateError::NoClaim(self.pid))?.home;
        self.give_up(home, span, false, effects)
    }

    /// Gives up pages at `home`, whether they have arrived or are not needed.
    fn give_up(
        &mut self,
        home: TorusId,
        span: Span,
        leases: bool,
        effects: &mut Vec<Effect>,
    ) -> Result<(), MigrateError> {
        let pid = self.pid;
        let claim = self.claim(home)?;
        let count = if leases {
            &mut claim.leases
        } else {
            &mut claim.pages
        };
        *count = count
            .checked_sub(span.len())
            .ok_or(MigrateError::TooManyPages(pid))?;
        let deposit = claim.deposit;
        if claim.is_empty() {
            send(effects, home, Message::Release { deposit });
        } else if !span.is_empty() {
            send(effects, home, Message::Free { deposit, span });
        }
        self.flights
            .land(deposit, span, |awaited| effects.push(Effect::Wake(awaited)));
        Ok(())
    }

    /// Pages could not be had: whoever waits for one cannot go on.
    fn failed(
        &mut self,
        deposit: DepositId,
        span: Span,
        reason: Killed,
        effects: &mut Vec<Effect>,
    ) {
        let mut waits = false;
        self.flights.land(deposit, span, |_| waits = true);
        if waits {
            effects.push(Effect::Kill(reason));
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
    fn depart_if_quiet(&mut self, effects: &mut Vec<Effect>) {
        let quiet = self.flights.is_empty() && self.forks.is_empty() && !self.arriving;
        if let Phase::Leaving { to } = self.phase
            && quiet
        {
            self.phase = Phase::Offered { to };
            effects.push(Effect::Depart { to });
        }
    }

    /// The target has answered the offer.
    fn answered(&mut self, event: Event, effects: &mut Vec<Effect>) -> Result<(), MigrateError> {
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

    fn forked(&mut self, child: DepositId, effects: &mut Vec<Effect>) {
        self.forks.retain(|fork| *fork != child);
        if self.phase == Phase::Embryo && self.forks.is_empty() {
            self.phase = Phase::Here;
            effects.push(Effect::Start);
        }
    }

    fn fork_failed(&mut self, child: DepositId, effects: &mut Vec<Effect>) {
        self.forks.retain(|fork| *fork != child);
        let before = self.claims.len();
        self.claims.retain(|claim| claim.deposit != child);
        if self.claims.len() == before {
            return; // the parent
        }
        if self.phase == Phase::Embryo {
            effects.push(Effect::Abort);
            self.end(effects);
        } else {
            self.over_if_closed(effects);
        }
    }

    fn released(&mut self, deposit: DepositId, effects: &mut Vec<Effect>) {
        self.claims.retain(|claim| claim.deposit != deposit);
        self.over_if_closed(effects);
    }

    fn exec(&mut self, effects: &mut Vec<Effect>) -> Result<(), MigrateError> {
        if !self.runs() {
            return Err(MigrateError::Busy(self.pid));
        }
        self.release_all(effects);
        Ok(())
    }

    fn exit(&mut self, effects: &mut Vec<Effect>) -> Result<(), MigrateError> {
        match self.phase {
            Phase::Embryo | Phase::Here | Phase::Leaving { .. } => {
                self.end(effects);
                Ok(())
            }
            _ => Err(MigrateError::Busy(self.pid)),
        }
    }

    fn end(&mut self, effects: &mut Vec<Effect>) {
        self.release_all(effects);
        self.phase = Phase::Ending;
        self.over_if_closed(effects);
    }

    /// Has every home close its deposit.
    fn release_all(&mut self, effects: &mut Vec<Effect>) {
        self.flights.clear();
        for claim in self.claims.iter_mut().filter(|claim| !claim.is_empty()) {
            (claim.pages, claim.leases) = (0, 0);
            send(
                effects,
                claim.home,
                Message::Release {
                    deposit: claim.deposit,
                },
            );
        }
    }

    fn over_if_closed(&mut self, effects: &mut Vec<Effect>) {
        if self.phase == Phase::Ending && self.claims.is_empty() {
            self.phase = Phase::Over;
            effects.push(Effect::Over);
        }
    }

    /// The claim with pages at `home`; there is at most one.
    fn claim(&mut self, home: TorusId) -> Result<&mut Claim, MigrateError> {
        let claim = self
            .claims
            .iter_mut()
            .find(|claim| claim.home == home && !claim.is_empty());
        claim.ok_or(MigrateError::NoClaim(self.pid))
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

fn send(effects: &mut Vec<Effect>, to: TorusId, message: Message) {
    effects.push(Effect::Send { to, message });
}
