//! What a torus has noted of what crowds were told: whatever is looked for is found by its number.

use super::{Count, Crowd, Told};
use crate::family::World;
use crate::{MAX_TORI, TorusId};
use alloc::collections::{BTreeMap, VecDeque};
use core::ops::Bound;
use fallible::{NoMemory, TryDeque, TryMap};

/// Something that somebody may still have to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Logged {
    pub(super) crowd: Crowd,
    pub(super) told: Told,
    /// Those who have heard of it out of the log.
    pub(super) late: Count,
}

/// Something that this torus has told, and not all have answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Round {
    pub(super) number: u64,
    /// Answers are still asked for from this number on.
    pub(super) since: u64,
    /// Tori to answer.
    pub(super) missing: usize,
    pub(super) count: Count,
    /// Process and token to be told of the end.
    pub(super) asker: Option<(crate::pid::Pid, u64)>,
    /// Everybody's answer matters.
    pub(super) is_exact: bool,
}

/// An answer that waits for processes that were under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Owed {
    pub(super) origin: TorusId,
    pub(super) number: u64,
    pub(super) count: Count,
    /// The last of these freezings.
    pub(super) until: u64,
}

/// What a torus knows of what crowds were told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::family) struct Crowds {
    /// The last number heard, by origin; with this torus's own, the last given.
    pub(in crate::family) heard: [u64; MAX_TORI],
    log: BTreeMap<(TorusId, u64), Logged>,
    rounds: BTreeMap<u64, Round>,
    /// Since when answers are asked for, and the numbers of the rounds.
    since: BTreeMap<(u64, u64), ()>,
    /// The oldest first.
    owed: VecDeque<Owed>,
    /// Processes that were frozen here so far.
    pub(super) freezings: u64,
    /// Freezings of processes that are under way.
    transits: BTreeMap<u64, ()>,
}

impl Crowds {
    pub(in crate::family) const fn new() -> Self {
        Self {
            heard: [0; MAX_TORI],
            log: BTreeMap::new(),
            rounds: BTreeMap::new(),
            since: BTreeMap::new(),
            owed: VecDeque::new(),
            freezings: 0,
            transits: BTreeMap::new(),
        }
    }

    /// Notes what was told. Without memory for it a process that is under way does not hear of it.
    pub(super) fn note(&mut self, origin: TorusId, number: u64, logged: Logged) {
        self.heard[origin.index()] = number;
        if !matches!(logged.told, Told::Late { .. }) {
            let _ = self.log.put((origin, number), logged);
        }
    }

    /// All tori have heard what `origin` has told up to this number.
    pub(super) fn forget<W: World>(&mut self, origin: TorusId, stable: u64, world: &mut W) {
        let known = (origin, 0)..=(origin, stable);
        while let Some((&key, _)) = self.log.range(known.clone()).next() {
            self.log.remove(&key);
            world.pause();
        }
        if self.log.is_empty() {
            // The last one's memory goes back.
            self.log = BTreeMap::new();
        }
    }

    /// What `origin` has told next after this number, as far as the log has it.
    pub(super) fn next(&self, origin: TorusId, number: u64) -> Option<(u64, Logged)> {
        let after = (
            Bound::Excluded((origin, number)),
            Bound::Included((origin, u64::MAX)),
        );
        let (&(_, number), logged) = self.log.range(after).next()?;
        Some((number, *logged))
    }

    /// Counts who has heard of this out of the log.
    pub(super) fn add_late(&mut self, origin: TorusId, number: u64, count: Count) {
        if let Some(logged) = self.log.get_mut(&(origin, number)) {
            logged.late.add(count);
        }
    }

    /// Those who have heard of this out of the log.
    pub(super) fn late(&self, origin: TorusId, number: u64) -> Count {
        let logged = self.log.get(&(origin, number));
        logged.map_or(Count::default(), |logged| logged.late)
    }

    /// Notes what is told to all.
    pub(super) fn begin(&mut self, round: Round) -> Result<(), NoMemory> {
        self.rounds.put(round.number, round)?;
        let since = self.since.put((round.since, round.number), ());
        if let Err(error) = since {
            self.rounds.remove(&round.number);
            return Err(error);
        }
        Ok(())
    }

    /// One torus more has answered; the round if that was the last one.
    pub(super) fn answered(&mut self, number: u64, count: Count) -> Option<Round> {
        let round = self.rounds.get_mut(&number)?;
        round.count.add(count);
        round.missing -= 1;
        if round.missing > 0 {
            return None;
        }
        let round = self.rounds.remove(&number)?;
        self.since.remove(&(round.since, number));
        if self.rounds.is_empty() {
            // The last one's memory goes back.
            (self.rounds, self.since) = (BTreeMap::new(), BTreeMap::new());
        }
        Some(round)
    }

    /// The number up to which all tori have answered this one.
    pub(super) fn stable(&self, own: TorusId) -> u64 {
        let oldest = self.since.first_key_value();
        oldest.map_or(self.heard[own.index()], |((since, _), ())| since - 1)
    }

    /// Notes an answer that waits for all who are under way now.
    pub(super) fn owe(&mut self, owed: Owed) -> Result<(), NoMemory> {
        self.owed.try_push_back(owed)
    }

    /// Takes out an answer that waits for nobody who is still under way.
    pub(super) fn take_due(&mut self) -> Option<Owed> {
        let oldest = self.oldest_transit();
        let due = |owed: &&Owed| oldest.is_none_or(|oldest| owed.until < oldest);
        self.owed.front().filter(due)?;
        let owed = self.owed.pop_front();
        if self.owed.is_empty() {
            self.owed = VecDeque::new();
        }
        owed
    }

    /// One more process is under way; the number of its freezing.
    pub(in crate::family) fn freeze(&mut self) -> Result<u64, NoMemory> {
        self.transits.put(self.freezings + 1, ())?;
        self.freezings += 1;
        Ok(self.freezings)
    }

    /// The process of this freezing is under way no more.
    pub(in crate::family) fn thaw(&mut self, freezing: u64) {
        self.transits.remove(&freezing);
        if self.transits.is_empty() {
            self.transits = BTreeMap::new();
        }
    }

    /// The oldest freezing of those processes that are under way, if any is.
    pub(super) fn oldest_transit(&self) -> Option<u64> {
        Some(*self.transits.first_key_value()?.0)
    }
}
