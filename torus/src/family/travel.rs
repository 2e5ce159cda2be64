//! A process's record on its way to another torus.

use super::Message;
use super::{Answer, Child, Ended, Families, Kin, Life, Report, World};
use crate::{TorusId, pid::Pid};
use alloc::vec::Vec;
use core::iter;
use fallible::{NoMemory, TryMap, TryVec, collect, to_vec};

/// A process that was frozen, until it runs again: here or elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Transit {
    /// Which of this torus's freezings it was.
    number: u64,
    /// What crowds were told that the process had heard of then, by origin.
    heard: Vec<u64>,
    /// What has come for it since.
    held: Vec<Message>,
}

impl Transit {
    /// Keeps a message for later; false: there is no memory.
    pub(super) fn hold(&mut self, message: Message) -> bool {
        self.held.try_push(message).is_ok()
    }
}

/// Why a record cannot travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TravelError {
    /// The process is not here, has ended, or is on its way already.
    #[error("process {0} is not here to leave")]
    NotHere(Pid),
    /// The words are not a record.
    #[error("no record of a process")]
    Malformed,
    /// There is no memory for it, or the machine is ending.
    #[error("there is no place for the process")]
    NoPlace,
}

impl From<NoMemory> for TravelError {
    fn from(_: NoMemory) -> Self {
        Self::NoPlace
    }
}

impl Families {
    /// The process does not run from now on, and what comes for it is held. Answers its record as words.
    ///
    /// # Errors
    /// [`TravelError::NotHere`], [`TravelError::NoPlace`].
    pub fn freeze<W: World>(&mut self, pid: Pid, world: &mut W) -> Result<Vec<u64>, TravelError> {
        let here = |kin: &&mut Kin| kin.life == Life::Live && kin.transit.is_none();
        let kin = self.kin.get_mut(&pid).filter(here);
        let kin = kin.ok_or(TravelError::NotHere(pid))?;
        let had = kin.ahead.iter().copied().chain(iter::repeat(0));
        let heard = self.crowds.heard[..self.tori].iter().zip(had);
        let heard = collect(heard.map(|(a, b)| *a.max(&b)))?;
        let words = pack(kin, &heard, || world.pause())?;
        kin.transit = Some(Transit {
            number: self.crowds.freeze()?,
            heard,
            held: Vec::new(),
        });
        Ok(words)
    }

    /// The process was refused: it goes on here, and gets what was held for it.
    pub fn resume<W: World>(&mut self, pid: Pid, world: &mut W) {
        let transit = self.kin.get_mut(&pid).and_then(|kin| kin.transit.take());
        let Some(transit) = transit else { return };
        self.crowds.thaw(transit.number);
        self.catch_up(pid, transit.heard, world);
        let held = transit.held.len();
        for message in transit.held {
            self.post(pid, message, world);
        }
        world.release(held);
        self.settle(world);
    }

    /// Takes out the record of a process, which is not under way from here any more.
    pub(super) fn take_out(&mut self, pid: Pid) -> Option<Kin> {
        let kin = self.kin.remove(&pid)?;
        if let Some(transit) = &kin.transit {
            self.crowds.thaw(transit.number);
        }
        Some(kin)
    }

    /// The process runs at `to` now: its record goes, and what was held for it follows.
    pub fn depart<W: World>(&mut self, pid: Pid, to: TorusId, world: &mut W) {
        if self.kin.get(&pid).is_none_or(|kin| kin.transit.is_none()) {
            return;
        }
        let transit = self.take_out(pid).and_then(|kin| kin.transit);
        let held = transit.map_or(Vec::new(), |transit| transit.held);
        for message in &held {
            world.send(to, *message);
        }
        world.release(held.len());
        world.gone(pid);
        self.settle(world);
    }

    /// A process has come, with its record; its birth torus is told.
    ///
    /// # Errors
    /// [`TravelError::Malformed`], [`TravelError::NoPlace`].
    pub fn arrive<W: World>(
        &mut self,
        pid: Pid,
        words: &[u64],
        world: &mut W,
    ) -> Result<(), TravelError> {
        if self.ending {
            return Err(TravelError::NoPlace);
        }
        let (mut kin, heard) = unpack(words, self.tori, || world.pause())?;
        kin.moves += 1;
        let (moves, at) = (kin.moves, self.torus);
        self.kin.put(pid, kin)?;
        world.send(pid.birth(), Message::Moved { pid, moves, at });
        self.catch_up(pid, heard, world);
        Ok(())
    }
}

/// Words of a record before its lists, and of each child.
const WORDS: usize = 12;
const CHILD: usize = 8;

/// Two numbers in one word.
const fn both(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

const fn halves(word: u64) -> (u32, u32) {
    (word as u32, (word >> 32) as u32)
}

fn pack(kin: &Kin, heard: &[u64], mut pause: impl FnMut()) -> Result<Vec<u64>, TravelError> {
    let mut words = Vec::new();
    let length = WORDS + heard.len() + kin.children.len() * CHILD;
    words.try_reserve_exact(length).map_err(NoMemory::from)?;
    let (token, answer) = kin.answer.unwrap_or_default();
    words.try_extend([
        kin.parent.map_or(0, word),
        word(kin.group),
        word(kin.session),
        u64::from(kin.executed) | u64::from(kin.led) << 1,
        both(kin.moves, kin.changes),
        kin.tokens,
        token,
        u64::from(answer.result.cast_unsigned()),
        answer.limit[0],
        answer.limit[1],
        heard.len() as u64,
        kin.children.len() as u64,
    ])?;
    words.try_extend_from_slice(heard)?;
    for (own, child) in &kin.children {
        pause();
        let (report, user) = child
            .report
            .map_or((0, 0), |(report, uid)| (report.status(), uid));
        let ended = child.ended.unwrap_or_default();
        words.try_extend([
            word(*own),
            word(child.group),
            u64::from(child.known) | u64::from(child.ended.is_some()) << 1,
            both(child.changes, report),
            both(user, ended.uid),
            u64::from(ended.status),
            ended.user_time,
            ended.system_time,
        ])?;
    }
    Ok(words)
}

fn word(pid: Pid) -> u64 {
    u64::from(pid.raw().cast_unsigned())
}

fn pid(word: u64) -> Option<Pid> {
    i32::try_from(word).ok().and_then(Pid::from_raw)
}

/// The record that words are, and what its process has heard of.
fn unpack(
    words: &[u64],
    tori: usize,
    mut pause: impl FnMut(),
) -> Result<(Kin, Vec<u64>), TravelError> {
    let (head, lists) = words
        .split_first_chunk::<WORDS>()
        .ok_or(TravelError::Malformed)?;
    let [
        parent,
        group,
        session,
        flags,
        counts,
        tokens,
        token,
        result,
        limit,
        maximum,
        origins,
        children,
    ] = *head;
    let named = |word| pid(word).ok_or(TravelError::Malformed);
    let (heard, children_words) = lists
        .split_at_checked(tori)
        .filter(|_| origins == tori as u64)
        .ok_or(TravelError::Malformed)?;
    let (records, []) = children_words.as_chunks::<CHILD>() else {
        return Err(TravelError::Malformed);
    };
    if records.len() as u64 != children {
        return Err(TravelError::Malformed);
    }
    let parent = match parent {
        0 => None,
        word => Some(named(word)?),
    };
    let mut kin = Kin::new(parent, named(group)?, named(session)?);
    kin.executed = flags & 1 != 0;
    kin.led = flags & 2 != 0;
    (kin.moves, kin.changes) = halves(counts);
    kin.tokens = tokens;
    let result = (result as u32).cast_signed();
    let limit = [limit, maximum];
    kin.answer = Some((token, Answer { result, limit }));
    for record in records {
        pause();
        let (own, child) = child(record).ok_or(TravelError::Malformed)?;
        kin.children.put(own, child)?;
    }
    Ok((kin, to_vec(heard)?))
}

fn child(words: &[u64; CHILD]) -> Option<(Pid, Child)> {
    let [
        own,
        group,
        flags,
        state,
        users,
        status,
        user_time,
        system_time,
    ] = *words;
    let (changes, report) = halves(state);
    let (user, uid) = halves(users);
    let ended = Ended {
        status: u32::try_from(status).ok()?,
        user_time,
        system_time,
        uid,
    };
    let child = Child {
        known: flags & 1 != 0,
        changes,
        report: Report::from_status(report).map(|report| (report, user)),
        ended: (flags & 2 != 0).then_some(ended),
        ..Child::new(pid(group)?)
    };
    Some((pid(own)?, child))
}
