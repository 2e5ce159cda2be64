//! Pages that are pulled: asked for, granted, copied, given up or lost.

use super::{Claim, Phase, PullMachine, RemotePages, send};
use crate::migrate::Message;
use crate::migrate::{Effect, Effects, MigrateError};
use crate::{DepositId, span::Span};
use vm::{
    addr::{Page, PageRange},
    table::Source,
};

impl PullMachine {
    /// Pulls a page that a thread waits for, with neighbours.
    pub(super) fn fault(
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
    pub(super) fn drain(
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
    pub(super) fn swept(
        &mut self,
        source: Source,
        effects: &mut Effects,
    ) -> Result<(), MigrateError> {
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
    pub(super) fn granted(&mut self, deposit: DepositId, span: Span, effects: &mut Effects) {
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
    pub(super) fn give_up(&mut self, claim: Claim, span: Span, effects: &mut Effects) {
        let Claim { home, deposit, .. } = claim;
        if !span.is_empty() {
            send(effects, home, Message::Free { deposit, span });
        }
        self.land(deposit, span, effects);
    }

    /// These pages are not under way any more.
    pub(super) fn land(&mut self, deposit: DepositId, span: Span, effects: &mut Effects) {
        self.flights
            .land(deposit, span, |awaited| effects.push(Effect::Wake(awaited)));
    }

    /// Pages could not be had: whoever waits for one cannot go on.
    pub(super) fn lost(&mut self, deposit: DepositId, span: Span, effects: &mut Effects) {
        let mut waits = false;
        self.flights.land(deposit, span, |_| waits = true);
        if waits {
            effects.push(Effect::Kill);
        }
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
