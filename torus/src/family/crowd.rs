//! Signals to many: to a group, or to everybody, on all tori.
//!
//! *Flow.* The torus where such a signal begins numbers it and tells all tori (`All`); each gives it to those that are
//! there and answers how many they were (`Heard`). The sender's call returns when all have answered.
//!
//! *Why each process gets it once.* A process may move between two tori that hear of the signal at different times.
//! Its record says up to which number of each origin it has heard. A torus where it arrives gives it what it has missed,
//! out of a log, and leaves it out of what it has had already. The log keeps a signal until all tori have answered, and a
//! torus does not answer while a process is under way that left before it heard.

use super::{
    Families, Kin, PIECE, World,
    route::{NO_PROCESS, NOT_PERMITTED},
};
use crate::{
    MAX_TORI, TorusId,
    family::{Crowd, Sent},
    message::Message,
    pid::Pid,
};
use alloc::vec::Vec;
use core::ops::Bound;
use fallible::TryVec;

/// A signal to a crowd that somebody may still have to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Told {
    origin: TorusId,
    number: u64,
    crowd: Crowd,
    sent: Sent,
}

/// A signal of this torus that not all have answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Round {
    number: u64,
    /// Tori to answer.
    missing: usize,
    found: u64,
    /// Those of them that it was given to, or could have been.
    permitted: u64,
    /// Process and token to be told of the end.
    asker: Option<(Pid, u64)>,
}

/// An answer that waits for processes that were under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Owed {
    origin: TorusId,
    number: u64,
    found: u64,
    permitted: u64,
    /// The last of these freezings.
    until: u64,
}

/// What a torus knows of signals to crowds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Crowds {
    /// The last number heard, by origin; with this torus's own, the last given.
    pub(super) heard: [u64; MAX_TORI],
    log: Vec<Told>,
    rounds: Vec<Round>,
    owed: Vec<Owed>,
    /// Processes that were frozen here so far.
    pub(super) freezings: u64,
}

impl Crowds {
    pub(super) const fn new() -> Self {
        Self {
            heard: [0; MAX_TORI],
            log: Vec::new(),
            rounds: Vec::new(),
            owed: Vec::new(),
            freezings: 0,
        }
    }

    /// Notes a signal. Without memory for it a process that is under way does not get it.
    fn note(&mut self, told: Told) {
        self.heard[told.origin.index()] = told.number;
        if told.sent.signal != 0 {
            let _ = self.log.try_push(told);
        }
    }

    /// All tori have heard the signals of `origin` up to this number.
    fn forget(&mut self, origin: TorusId, stable: u64) {
        self.log
            .retain(|told| told.origin != origin || told.number > stable);
    }

    /// The number up to which all tori have answered this one.
    fn stable(&self, own: TorusId) -> u64 {
        let oldest = self.rounds.iter().map(|round| round.number - 1).min();
        oldest.unwrap_or(self.heard[own.index()])
    }
}

impl Families {
    /// Sends a signal to a crowd. The answer for `asker`, a process and its token, is 0 when there was anybody.
    pub fn to_crowd<W: World>(
        &mut self,
        asker: Option<(Pid, u64)>,
        crowd: Crowd,
        sent: Sent,
        world: &mut W,
    ) {
        let origin = self.torus;
        let stable = self.crowds.stable(origin);
        let number = self.crowds.heard[origin.index()] + 1;
        let round = Round {
            number,
            missing: self.tori,
            found: 0,
            permitted: 0,
            asker,
        };
        if self.crowds.rounds.try_push(round).is_err() {
            // Nobody else can be asked: those who are here are all.
            let (found, permitted) = self.call_out(origin, u64::MAX, (crowd, sent), world);
            let round = Round {
                found,
                permitted,
                ..round
            };
            return self.over(round, world);
        }
        let message = Message::All {
            number,
            stable,
            crowd,
            sent,
        };
        for to in TorusId::first(self.tori).filter(|to| *to != origin) {
            world.send(to, message);
        }
        self.told(origin, (number, stable), (crowd, sent), world);
    }

    /// A signal to a crowd: gives it to those who are here, and answers.
    pub(super) fn told<W: World>(
        &mut self,
        origin: TorusId,
        (number, stable): (u64, u64),
        (crowd, sent): (Crowd, Sent),
        world: &mut W,
    ) {
        self.crowds.forget(origin, stable);
        self.crowds.note(Told {
            origin,
            number,
            crowd,
            sent,
        });
        let (found, permitted) = self.call_out(origin, number, (crowd, sent), world);
        let permitted = match crowd.group {
            Some(_) => permitted,
            // As on Linux nobody is told that he may not signal anybody.
            None => found,
        };
        let owed = Owed {
            origin,
            number,
            found,
            permitted,
            until: self.crowds.freezings,
        };
        let waits = self.transits(world).is_some();
        if !waits || self.crowds.owed.try_push(owed).is_err() {
            self.answer_crowd(owed, world);
        }
    }

    fn answer_crowd<W: World>(&mut self, owed: Owed, world: &mut W) {
        let Owed {
            number,
            found,
            permitted,
            ..
        } = owed;
        if owed.origin == self.torus {
            self.heard(number, (found, permitted), world);
        } else {
            let message = Message::Heard {
                number,
                found,
                permitted,
            };
            world.send(owed.origin, message);
        }
    }

    /// A torus has answered.
    pub(super) fn heard<W: World>(
        &mut self,
        number: u64,
        (found, permitted): (u64, u64),
        world: &mut W,
    ) {
        let mut rounds = self.crowds.rounds.iter_mut().enumerate();
        let Some((index, round)) = rounds.find(|(_, round)| round.number == number) else {
            return;
        };
        round.found += found;
        round.permitted += permitted;
        round.missing -= 1;
        if round.missing == 0 {
            let round = self.crowds.rounds.swap_remove(index);
            self.crowds
                .forget(self.torus, self.crowds.stable(self.torus));
            self.over(round, world);
        }
    }

    fn over<W: World>(&mut self, round: Round, world: &mut W) {
        if let Some((asker, token)) = round.asker {
            let result = match (round.found, round.permitted) {
                (0, _) => NO_PROCESS,
                (_, 0) => NOT_PERMITTED,
                _ => 0,
            };
            self.reply(asker, token, result, world);
        }
    }

    /// Gives a signal to those of a crowd who are here and stay, if the sender may; answers how many are here, zombies included,
    /// and to how many of them he may.
    fn call_out<W: World>(
        &mut self,
        origin: TorusId,
        number: u64,
        (crowd, sent): (Crowd, Sent),
        world: &mut W,
    ) -> (u64, u64) {
        let (mut found, mut permitted) = (0, 0);
        let mut after = Bound::Unbounded;
        while let Some((&pid, kin)) = self.kin.range((after, Bound::Unbounded)).next() {
            after = Bound::Excluded(pid);
            world.pause();
            if !crowd.has(pid, kin, sent) {
                continue;
            }
            found += 1;
            if !self.permits(pid, sent, world) {
                continue;
            }
            permitted += 1;
            let had = kin
                .ahead
                .get(origin.index())
                .is_some_and(|had| *had >= number);
            if kin.transit.is_none() && !had {
                self.strike(pid, (sent, sent.carried()), world);
            }
        }
        (found, permitted)
    }

    /// Gives a process that has come, or stays after all, the signals that it has not heard of but this torus has.
    pub(super) fn catch_up<W: World>(&mut self, pid: Pid, heard: Vec<u64>, world: &mut W) {
        for index in 0..self.crowds.log.len() {
            world.pause();
            let told = self.crowds.log[index];
            let missed = heard
                .get(told.origin.index())
                .is_some_and(|heard| *heard < told.number);
            let kin = self.kin.get(&pid);
            let meant = kin.is_some_and(|kin| told.crowd.has(pid, kin, told.sent));
            if missed && meant && self.permits(pid, told.sent, world) {
                self.strike(pid, (told.sent, told.sent.carried()), world);
            }
        }
        let ahead = heard
            .iter()
            .zip(&self.crowds.heard)
            .any(|(own, here)| own > here);
        if let Some(kin) = self.kin.get_mut(&pid) {
            kin.ahead = if ahead { heard } else { Vec::new() };
        }
    }

    /// Answers what waited for a process that is not under way any more.
    pub(super) fn settle<W: World>(&mut self, world: &mut W) {
        if self.crowds.owed.is_empty() {
            return;
        }
        let oldest = self.transits(world);
        let due = |owed: &Owed| oldest.is_none_or(|oldest| owed.until < oldest);
        while let Some(index) = self.crowds.owed.iter().position(due) {
            let owed = self.crowds.owed.remove(index);
            self.answer_crowd(owed, world);
            world.pause();
        }
    }

    /// The oldest freezing of those processes that are under way, if any is.
    fn transits<W: World>(&self, world: &mut W) -> Option<u64> {
        let mut oldest: Option<u64> = None;
        for (round, kin) in self.kin.values().enumerate() {
            if round % PIECE == PIECE - 1 {
                world.pause();
            }
            if let Some(transit) = &kin.transit {
                oldest = Some(oldest.map_or(transit.number, |oldest| oldest.min(transit.number)));
            }
        }
        oldest
    }
}

impl Crowd {
    fn has(&self, pid: Pid, kin: &Kin, sent: Sent) -> bool {
        let member = match self.group {
            Some(group) => kin.group == group,
            None => pid != Pid::INIT && sent.from != Some(pid),
        };
        member && self.session.is_none_or(|session| kin.session == session)
    }
}
