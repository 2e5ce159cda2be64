//! Eviction: what becomes of the frames that the clock points at.
//!
//! Frames go in batches, so that the cores which may remember their entries are interrupted once for all of them: until then a
//! space owes its flush ([`Space::replace`]).

use super::frame_ref::FrameRef;
use super::object::Way;
use super::space::Space;
use super::swap::{PageName, Swap, release};
use crate::OfTorus as _;
use crate::object::Objects;
use crate::spaces::Spaces;
use alloc::sync::Arc;
use heapless::Vec;
use tori::Torus;
use tori::low_watermark;
use tori::pieces;
use vm::clock::{Candidate, Clock, Verdict};
use vm::frames::{Owner, Sharers, Use};
use vm::reclaim::Step;
use vm::space::{Age, Replacement};
use vm::table::{Slot, TableMemory};

/// Spaces that owe a flush before a batch is paid for.
const SPACES: usize = 16;
/// Frames of objects and of the page cache that go with a batch.
const HELD: usize = 64;

/// Frames that are evicted together.
pub struct Batch {
    torus: &'static Torus,
    owing: Vec<Arc<Space>, SPACES>,
    /// Slots of the page cache and their frames, whose entries are gone.
    contents: Vec<(u64, FrameRef), HELD>,
    /// Frames of objects whose entries are gone. Until cores have forgotten these, nobody who lets go of such a frame is the last.
    held: Vec<FrameRef, HELD>,
    /// More spaces owe than were noted.
    crowded: bool,
}

impl Batch {
    /// None yet. On a core that holds none of memory's locks but the clock's, and as long as the batch is.
    pub fn new(torus: &'static Torus) -> Self {
        Self {
            torus,
            owing: Vec::new(),
            contents: Vec::new(),
            held: Vec::new(),
            crowded: false,
        }
    }

    /// Evicts a candidate, if it may go.
    pub fn evict(&mut self, candidate: &Candidate) -> Step {
        match (candidate.used, self.torus.kept().swap()) {
            (Use::Private, Some(swap)) => self.private(swap, candidate),
            (Use::Cached, _) if candidate.owner == Owner::CONTENT => self.content(candidate),
            (Use::Cached, _) => self.own(candidate),
            _ => Step::Kept,
        }
    }

    /// Immutable content can be made again: its entries go at once, its frame when no core remembers them.
    fn content(&mut self, candidate: &Candidate) -> Step {
        let (torus, frame) = (self.torus, candidate.frame);
        // The last pages stay: without those that they execute, programs could only fetch them again and again.
        let kept = low_watermark(torus.total()) + self.contents.len() as u64;
        if torus.kept().page_cache.len() <= kept || self.contents.is_full() {
            return Step::Kept;
        }
        let Some(age) = age(torus, candidate) else {
            return Step::Kept;
        };
        let Some(held) = torus.kept().page_cache.hold(candidate.index, frame) else {
            return Step::Kept;
        };
        // The cache holds one reference, this the other. Who holds one without an entry needs the frame: it stays.
        if Clock::judge(torus.memory().frames(), candidate, age, 2) != Verdict::Drop {
            return Step::Kept;
        }
        if age.entries > 0 {
            each(torus, candidate, |space| {
                let owes = space.replace(frame, Replacement::Drop);
                self.owes(space, owes);
                true
            });
        }
        // There is room: it was looked at first.
        let _ = self.contents.push((candidate.index, held));
        Step::Dropped
    }

    /// A page of an object's own is dropped where it can be made again, and else goes to a slot.
    fn own(&mut self, candidate: &Candidate) -> Step {
        let Some(object) = self.torus.part::<Objects>().named.find(candidate.owner) else {
            return Step::Kept;
        };
        let (mut way, mut busy) = (Way::Stay, false);
        let decide = || {
            way = self.way(candidate, &mut busy);
            way
        };
        let goes = object.evict(candidate.index, candidate.frame, decide);
        match way {
            Way::Stay if busy => Step::Busy,
            Way::Stay => Step::Kept,
            Way::Drop => {
                // SAFETY: K40, the object has given its reference up for the evictor to take.
                drop(unsafe { FrameRef::from_raw(candidate.frame) });
                Step::Dropped
            }
            Way::Write(_) if goes => Step::Leaving,
            Way::Write(slot) => {
                self.abandon(slot);
                Step::Kept
            }
        }
    }

    /// What becomes of a page of an object, which gives nobody a reference meanwhile. Locks of spaces are only tried, as faults take
    /// them before the object's.
    fn way(&mut self, candidate: &Candidate, busy: &mut bool) -> Way {
        let (torus, frame) = (self.torus, candidate.frame);
        let frames = torus.memory().frames();
        let judge = |age| Clock::judge(frames, candidate, age, 1);
        match age(torus, candidate).map(judge) {
            None | Some(Verdict::Keep | Verdict::Split) => return Way::Stay,
            Some(Verdict::Drop | Verdict::Write) => {}
        }
        // The object has a reference that it keeps meanwhile.
        if self.held.push(FrameRef::share(frame)).is_err() {
            return Way::Stay;
        }
        let all_replaced = each(torus, candidate, |space| {
            let owes = space.try_replace(frame, Replacement::Drop);
            self.owes(space, owes == Some(true));
            owes.is_some()
        });
        if !all_replaced || frames.shares(frame) != 2 {
            return Way::Stay;
        }
        // Only now is it certain whether it was written.
        if !frames.take_dirty(frame) {
            return Way::Drop;
        }
        frames.mark_dirty(frame);
        let Some(swap) = torus.kept().swap().filter(|s| s.slots().available() > 0) else {
            return Way::Stay;
        };
        let slot = swap.prepare(frame, name(candidate));
        *busy = slot.is_none();
        slot.map_or(Way::Stay, Way::Write)
    }

    fn abandon(&self, slot: Slot) {
        if let Some(swap) = self.torus.kept().swap() {
            swap.abandon(slot);
        }
    }

    /// Notes that a space owes a flush.
    fn owes(&mut self, space: &Arc<Space>, owes: bool) {
        let known = self.owing.iter().any(|other| Arc::ptr_eq(other, space));
        if owes && !known && self.owing.push(space.clone()).is_err() {
            self.crowded = true;
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
        if verdict != Verdict::Write {
            if verdict == Verdict::Split {
                self.split(candidate);
            }
            release(torus, frame);
            return Step::Kept;
        }
        let Some(slot) = swap.prepare(frame, name(candidate)) else {
            release(torus, frame);
            return Step::Busy;
        };
        self.replace(candidate, Replacement::Slot(slot));
        if swap.slots().references(slot) == 1 {
            // The holders of the page have let it go meanwhile.
            swap.abandon(slot);
            release(torus, frame);
            return Step::Dropped;
        }
        Step::Leaving
    }

    /// Replaces every entry of a private frame, space by space.
    fn replace(&mut self, candidate: &Candidate, replacement: Replacement) {
        self.in_all(candidate, |space| {
            space.replace(candidate.frame, replacement)
        });
    }

    /// Splits the 2 MiB page that a private frame is the first of, space by space.
    fn split(&mut self, candidate: &Candidate) {
        self.in_all(candidate, |space| space.split(candidate.frame));
    }

    /// Works on every space that may have a private frame; `f` says whether it owes a flush then.
    fn in_all(&mut self, candidate: &Candidate, f: impl Fn(&Space) -> bool) {
        let spaces = self.torus.part::<Spaces>();
        spaces.of_lineage(candidate.owner, |space| {
            let owes = f(space);
            self.owes(space, owes);
            true
        });
    }

    /// Has cores forget what has been replaced, and lets the pages go.
    pub fn finish(self) {
        if self.crowded {
            self.torus.part::<Spaces>().each(|space| {
                space.settle();
                true
            });
        } else {
            self.owing.iter().for_each(|space| space.settle());
        }
        for held in self.held {
            drop(held);
            pieces::step();
        }
        for (slot, held) in self.contents {
            let frame = held.frame();
            drop(held);
            self.torus.kept().page_cache.give_up(slot, frame);
            pieces::step();
        }
        if let Some(swap) = self.torus.kept().swap() {
            swap.commit();
        }
    }
}

fn name(candidate: &Candidate) -> PageName {
    let Candidate {
        used, owner, index, ..
    } = *candidate;
    PageName { used, owner, index }
}

/// Calls `see` with each space that may have a frame of an object, until it answers false; says whether it never did.
fn each(torus: &Torus, candidate: &Candidate, see: impl FnMut(&Arc<Space>) -> bool) -> bool {
    let spaces = torus.part::<Spaces>();
    let sharers = match candidate.owner {
        Owner::CONTENT => torus.memory().sharers(candidate.index),
        object => Sharers::One(object, candidate.index),
    };
    match sharers {
        Sharers::Nobody => true,
        Sharers::One(object, _) => spaces.showing(object, see),
        Sharers::Many => spaces.each(see),
    }
}

/// How old the entries of an object's frame are in all spaces; none when one is at work on another core.
fn age(torus: &Torus, candidate: &Candidate) -> Option<Age> {
    let mut sum = Age::default();
    let complete = each(torus, candidate, |space| {
        let age = space.try_look(|space| space.age(torus.memory(), candidate.frame));
        sum += age.unwrap_or_default();
        age.is_some()
    });
    complete.then_some(sum)
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
    let complete = torus.part::<Spaces>().of_lineage(candidate.owner, look);
    if held && !complete {
        release(torus, frame);
    }
    (held && complete).then_some(sum)
}
