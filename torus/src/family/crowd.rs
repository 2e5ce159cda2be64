//! What is told to many, to a group, a user or everybody, on all tori: signals, and orders about nice values.
//!
//! *Flow.* The torus where it begins numbers it and tells all tori (`All`); each tells those that are
//! there and answers what they make together (`Heard`). The sender's call returns when all have answered.
//!
//! *Why each process is told once.* A process may move between two tori that hear of it at different times.
//! Its record says up to which number of each origin it has heard. A torus where it arrives tells it what it has missed,
//! out of a log, and leaves it out of what it has had already. The log keeps what was told until all tori have answered, and a
//! torus does not answer while a process is under way that left before it heard.
//!
//! *Why each process is counted.* One that goes from a torus before that hears, to one that has answered, is in no answer. Where that
//! matters, a second round asks for those that were told out of a log ([`Told::Late`]): they arrived before the torus that they came
//! from answered the first one.

mod noted;

pub(super) use noted::Crowds;

use super::Message;
use super::{
    By, Crowd, Families, Kin, Life, Members, Order, Told, World,
    route::{NO_PROCESS, NOT_PERMITTED},
};
use crate::{TorusId, pid::Pid};
use alloc::vec::Vec;
use core::ops::Bound;
use noted::{Logged, Owed, Round};

/// What those that were told make together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Count {
    /// How many they are.
    pub found: u64,
    /// How many of them the sender may tell it.
    pub permitted: u64,
    /// The largest of their answers, or an error of one of them.
    pub best: i32,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.found += other.found;
        self.permitted += other.permitted;
        let bests = [self.best, other.best];
        let error = bests.into_iter().find(|best| *best < 0);
        self.best = error.unwrap_or(bests[0].max(bests[1]));
    }
}

impl Families {
    /// Tells a crowd something. The answer for `asker`, a process and its token, is 0 when there was anybody, or the largest of their
    /// answers; an error number of one of them, or ESRCH.
    pub fn to_crowd<W: World>(
        &mut self,
        asker: Option<(Pid, u64)>,
        crowd: Crowd,
        told: Told,
        world: &mut W,
    ) {
        let number = self.crowds.heard[self.torus.index()] + 1;
        let round = Round {
            number,
            since: number,
            missing: self.tori,
            count: Count::default(),
            asker,
            is_exact: matches!(told, Told::Nice { .. }),
        };
        self.tell_all(round, crowd, told, world);
    }

    fn tell_all<W: World>(&mut self, mut round: Round, crowd: Crowd, told: Told, world: &mut W) {
        let (origin, number) = (self.torus, round.number);
        if self.crowds.begin(round).is_err() {
            // Nobody else can be asked: those who are here are all.
            round
                .count
                .add(self.call_out(origin, u64::MAX, (crowd, told), world));
            return self.answer_asker(round, world);
        }
        let stable = self.crowds.stable(origin);
        let message = Message::All {
            number,
            stable,
            crowd,
            told,
        };
        for to in TorusId::first(self.tori).filter(|to| *to != origin) {
            world.send(to, message);
        }
        self.told(origin, (number, stable), (crowd, told), world);
    }

    /// A crowd is told something: tells those who are here, and answers.
    pub(super) fn told<W: World>(
        &mut self,
        origin: TorusId,
        (number, stable): (u64, u64),
        (crowd, told): (Crowd, Told),
        world: &mut W,
    ) {
        self.crowds.forget(origin, stable, world);
        let logged = Logged {
            crowd,
            told,
            late: Count::default(),
        };
        self.crowds.note(origin, number, logged);
        let count = match told {
            Told::Late { number } => self.crowds.late(origin, number),
            _ => self.call_out(origin, number, (crowd, told), world),
        };
        let owed = Owed {
            origin,
            number,
            count,
            until: self.crowds.freezings,
        };
        let waits = self.crowds.oldest_transit().is_some() && world.reserve();
        if waits && self.crowds.owe(owed).is_ok() {
            return;
        }
        world.release(waits.into());
        self.answer_crowd(owed, world);
    }

    fn answer_crowd<W: World>(&mut self, owed: Owed, world: &mut W) {
        let Owed { number, count, .. } = owed;
        if owed.origin == self.torus {
            self.heard(number, count, world);
        } else {
            world.send(owed.origin, Message::Heard { number, count });
        }
    }

    /// A torus has answered.
    pub(super) fn heard<W: World>(&mut self, number: u64, count: Count, world: &mut W) {
        if let Some(round) = self.crowds.answered(number, count) {
            self.over(round, world);
            let stable = self.crowds.stable(self.torus);
            self.crowds.forget(self.torus, stable, world);
        }
    }

    /// All tori have answered: the call is, or those are asked for whom none has counted.
    fn over<W: World>(&mut self, round: Round, world: &mut W) {
        let is_first = round.since == round.number;
        let matters = round.is_exact || round.count.permitted == 0;
        if !(is_first && matters && self.tori > 1 && round.asker.is_some()) {
            return self.answer_asker(round, world);
        }
        let second = Round {
            number: self.crowds.heard[self.torus.index()] + 1,
            missing: self.tori,
            ..round
        };
        let nobody = Crowd {
            members: Members::Others,
            session: None,
        };
        let number = round.number;
        self.tell_all(second, nobody, Told::Late { number }, world);
    }

    fn answer_asker<W: World>(&mut self, round: Round, world: &mut W) {
        if let Some((asker, token)) = round.asker {
            let result = match (round.count.found, round.count.permitted) {
                (0, _) => NO_PROCESS,
                (_, 0) => NOT_PERMITTED,
                _ => round.count.best,
            };
            self.reply(asker, token, result, world);
        }
    }

    /// Tells those of a crowd who are here, and stay, if the sender may; what they make together, zombies included.
    fn call_out<W: World>(
        &mut self,
        origin: TorusId,
        number: u64,
        (crowd, told): (Crowd, Told),
        world: &mut W,
    ) -> Count {
        let mut count = Count::default();
        let mut after = Bound::Unbounded;
        while let Some((&pid, kin)) = self.kin.range((after, Bound::Unbounded)).next() {
            after = Bound::Excluded(pid);
            world.pause();
            if !crowd.has(pid, kin, told, world) {
                continue;
            }
            let had = kin
                .ahead
                .get(origin.index())
                .is_some_and(|had| *had >= number);
            let stays = kin.transit.is_none();
            count.add(match told {
                Told::Signal(_) => self.tell(pid, crowd, told, stays && !had, world),
                // Where it has heard of that it was counted. One that is under way tells or changes what it takes along, and is told
                // again.
                Told::Nice { .. } => self.tell(pid, crowd, told, !had, world),
                Told::Late { .. } => Count::default(),
            });
        }
        count
    }

    /// What a process of a crowd makes of what it is told, or of what it was told already.
    fn tell<W: World>(
        &mut self,
        pid: Pid,
        crowd: Crowd,
        told: Told,
        is_new: bool,
        world: &mut W,
    ) -> Count {
        match told {
            Told::Signal(sent) => {
                let may = self.permits(pid, sent, world);
                if may && is_new {
                    self.strike(pid, (sent, sent.carried()), world);
                }
                // As on Linux nobody is told that he may not signal anybody.
                let permitted = may || crowd.members == Members::Others;
                Count {
                    found: 1,
                    permitted: permitted.into(),
                    best: 0,
                }
            }
            Told::Nice { by, new } if is_new && self.life(pid) == Some(Life::Live) => {
                let answer = world.order(pid, by, Order::Nice { new });
                Count {
                    found: 1,
                    permitted: 1,
                    best: answer.result,
                }
            }
            Told::Nice { .. } | Told::Late { .. } => Count::default(),
        }
    }

    /// Tells a process that has come, or stays after all, what it has not heard of but this torus has.
    pub(super) fn catch_up<W: World>(&mut self, pid: Pid, heard: Vec<u64>, world: &mut W) {
        for (origin, known) in TorusId::first(self.tori).zip(&heard) {
            let mut last = *known;
            while let Some((number, Logged { crowd, told, .. })) = self.crowds.next(origin, last) {
                last = number;
                world.pause();
                let kin = self.kin.get(&pid);
                if kin.is_some_and(|kin| crowd.has(pid, kin, told, world)) {
                    let count = self.tell(pid, crowd, told, true, world);
                    self.crowds.add_late(origin, number, count);
                }
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
        while let Some(owed) = self.crowds.take_due() {
            self.answer_crowd(owed, world);
            world.release(1);
            world.pause();
        }
    }
}

impl Crowd {
    fn has<W: World>(&self, pid: Pid, kin: &Kin, told: Told, world: &W) -> bool {
        let member = match self.members {
            Members::Group(group) => kin.group == group,
            Members::User(user) => world.user(pid) == Some(user),
            Members::Others => pid != Pid::INIT && told.sender() != Some(pid),
        };
        member && self.session.is_none_or(|session| kin.session == session)
    }
}

impl Told {
    const fn sender(&self) -> Option<Pid> {
        match self {
            Self::Signal(sent) => sent.from,
            Self::Nice {
                by: By { pid, .. }, ..
            } => Some(*pid),
            Self::Late { .. } => None,
        }
    }
}
