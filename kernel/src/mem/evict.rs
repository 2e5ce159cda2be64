//! Eviction: what becomes of the frames that the clock points at.
//!
//! Frames go in batches, so that the cores which may remember their entries are interrupted once for all of them: until then a
//! space owes its flush ([`Space::replace`]).

use super::space::Space;
use super::swap::{PageName, Swap, release};
use crate::tori::Torus;
use alloc::sync::Arc;
use heapless::Vec;
use vm::addr::Frame;
use vm::clock::{Candidate, Clock, Verdict};
use vm::frames::{Owner, Use};
use vm::space::{Age, Replacement};
use vm::table::TableMemory;

/// Spaces that owe a flush before a batch is paid for.
const SPACES: usize = 16;
/// Frames of the page cache that go with a batch.
const CONTENTS: usize = 64;

/// What became of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It stays.
    Kept,
    /// Its frame is free.
    Dropped,
    /// It is on its way to the disk: the frame is free when it is there.
    Leaving,
    /// The disk has enough to do: later.
    Busy,
}

/// Frames that are evicted together.
pub struct Batch {
    torus: &'static Torus,
    owing: Vec<Arc<Space>, SPACES>,
    /// Slots of the page cache and their frames, whose entries are gone.
    contents: Vec<(u64, Frame), CONTENTS>,
}

impl Batch {
    /// None yet. On a core that holds none of memory's locks but the clock's, and as long as the batch is.
    pub fn new(torus: &'static Torus) -> Self {
        Self {
            torus,
            owing: Vec::new(),
            contents: Vec::new(),
        }
    }

    /// Evicts a candidate, if it may go.
    pub fn evict(&mut self, candidate: &Candidate) -> Step {
        match (candidate.used, self.torus.reclaim.swap()) {
            (Use::Private, Some(swap)) => self.private(swap, candidate),
            (Use::Cached, _) if candidate.owner == Owner::CONTENT => self.content(candidate),
            _ => Step::Kept,
        }
    }

    /// Private memory goes to a slot.
    fn private(&mut self, swap: &Swap, candidate: &Candidate) -> Step {
        if swap.slots().available() == 0 {
            return Step::Kept;
        }
        let (torus, frame) = (self.torus, candidate.frame);
        let Some(age) = hold(torus, candidate) else {
            return Step::Kept;
        };
        let verdict = Clock::judge(torus.memory().frames(), candidate, age, 1);
        if verdict == Verdict::Keep {
            release(torus, frame);
            return Step::Kept;
        }
        let page = PageName {
            owner: candidate.owner,
            index: candidate.index,
        };
        let Some(slot) = swap.prepare(frame, page) else {
            release(torus, frame);
            return Step::Busy;
        };
        self.replace(candidate, Replacement::Slot(slot));
        if swap.slots().references(slot) == 1 {
            // Whoever had it has let it go meanwhile.
            swap.abandon(slot);
            release(torus, frame);
            return Step::Dropped;
        }
        Step::Leaving
    }

    /// Immutable content can be made again: its entries go at once, its frame when no core remembers them.
    fn content(&mut self, candidate: &Candidate) -> Step {
        let (torus, frame) = (self.torus, candidate.frame);
        let (mut sum, mut complete) = (Age::default(), !self.contents.is_full());
        torus.share.spaces.each(|space| {
            let age = complete.then(|| space.try_look(|space| space.age(torus.memory(), frame)));
            match age.flatten() {
                Some(age) => sum += age,
                None => complete = false,
            }
        });
        // The cache holds one reference. Who holds one without an entry needs the frame: it stays.
        let frames = torus.memory().frames();
        if !complete || Clock::judge(frames, candidate, sum, 1) == Verdict::Keep {
            return Step::Kept;
        }
        if sum.entries > 0 {
            let replace = |space: &Arc<Space>| self.replace_in(space, frame, Replacement::Drop);
            torus.share.spaces.each(replace);
        }
        // There is room: it was looked at first.
        let _ = self.contents.push((candidate.index, frame));
        Step::Dropped
    }

    /// Replaces every entry of a private frame, space by space.
    fn replace(&mut self, candidate: &Candidate, replacement: Replacement) {
        let (torus, frame) = (self.torus, candidate.frame);
        torus.share.spaces.of_lineage(candidate.owner, |space| {
            self.replace_in(space, frame, replacement);
            true
        });
    }

    fn replace_in(&mut self, space: &Arc<Space>, frame: Frame, replacement: Replacement) {
        let owes = space.replace(frame, replacement);
        let known = self.owing.iter().any(|other| Arc::ptr_eq(other, space));
        if owes && !known && self.owing.push(space.clone()).is_err() {
            space.settle();
        }
    }

    /// Has cores forget what has been replaced, and lets the pages go.
    pub fn finish(self) {
        for space in &self.owing {
            space.settle();
        }
        for (slot, frame) in &self.contents {
            self.torus.share.page_cache.give_up(*slot, *frame);
        }
        if let Some(swap) = self.torus.reclaim.swap() {
            swap.commit();
        }
    }
}

/// Takes a reference to a private frame under the lock of a space that has it (V2), and looks how old its entries are. None when a
/// space is at work on another core, or none has it any more.
fn hold(torus: &'static Torus, candidate: &Candidate) -> Option<Age> {
    let frame = candidate.frame;
    let mut sum = Age::default();
    let mut held = false;
    let look = |space: &Arc<Space>| {
        let age = space.try_look(|space| {
            let age = space.age(torus.memory(), frame);
            if age.entries > 0 && !held {
                torus.memory().frames().share(frame);
                held = true;
            }
            age
        });
        sum += age.unwrap_or_default();
        age.is_some()
    };
    let complete = torus.share.spaces.of_lineage(candidate.owner, look);
    if held && !complete {
        release(torus, frame);
    }
    (held && complete).then_some(sum)
}
