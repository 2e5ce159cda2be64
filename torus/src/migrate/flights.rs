//! Pulls that are under way.

use heapless::Vec;

use vm::addr::Page;

use crate::{DepositId, span::Span};

/// A pull that is not answered in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Flight {
    deposit: DepositId,
    pending: Span,
    /// Those of the pages that threads wait for.
    awaited: Span,
}

/// The pulls of one process that are not answered in full. No page is in two of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Flights(Vec<Flight, MOST>);

/// Pulls that may be unanswered at once: [`Flights::MANY`], and those of single pages of some threads.
const MOST: usize = 24;

impl Flights {
    /// Pulls that may be unanswered at once; further faults ask for their own page only.
    const MANY: usize = 16;

    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there are so many that neighbours have to wait.
    pub(super) fn are_many(&self) -> bool {
        self.0.len() >= Self::MANY
    }

    /// Whether pages of this deposit are under way.
    pub(super) fn wait_on(&self, deposit: DepositId) -> bool {
        self.0.iter().any(|flight| flight.deposit == deposit)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// A thread waits for `page`: answers whether it is under way already.
    pub(super) fn wait_for(&mut self, deposit: DepositId, page: Page) -> bool {
        let flight = self
            .of(deposit)
            .find(|flight| flight.pending.contains(page));
        if let Some(flight) = flight {
            flight.awaited.mask |= flight.awaited.bit(page);
            return true;
        }
        false
    }

    /// Begins a pull of those pages of `span` that are not under way, and answers which: none while there are as many as may be. Whoever
    /// waits for one of them tries again when another pull has ended.
    pub(super) fn begin(&mut self, deposit: DepositId, span: Span, awaited: Span) -> Span {
        let fresh = self
            .of(deposit)
            .fold(span, |span, flight| span.without(flight.pending));
        let flight = Flight {
            deposit,
            pending: fresh,
            awaited: fresh.and(awaited),
        };
        if fresh.is_empty() || self.0.push(flight).is_err() {
            return Span { mask: 0, ..span };
        }
        fresh
    }

    /// Those pages of `span` that are under way, by their pulls, and which of them threads wait for.
    pub(super) fn under_way(
        &mut self,
        deposit: DepositId,
        span: Span,
    ) -> impl Iterator<Item = (Span, Span)> {
        self.of(deposit)
            .map(move |flight| (flight.pending.and(span), flight.awaited.and(span)))
            .filter(|(span, _)| !span.is_empty())
    }

    /// Ends the pull of the pages of `span`, and tells `awaited` which of them threads wait for.
    pub(super) fn land(&mut self, deposit: DepositId, span: Span, mut awaited: impl FnMut(Span)) {
        let full = self.0.is_full();
        for flight in self.of(deposit) {
            let landed = flight.awaited.and(span);
            if !landed.is_empty() {
                awaited(landed);
            }
            flight.pending = flight.pending.without(span);
            flight.awaited = flight.awaited.without(span);
        }
        self.0.retain(|flight| !flight.pending.is_empty());
        if full && !self.0.is_full() {
            awaited(span);
        }
    }

    fn of(&mut self, deposit: DepositId) -> impl Iterator<Item = &mut Flight> {
        self.0
            .iter_mut()
            .filter(move |flight| flight.deposit == deposit)
    }
}
