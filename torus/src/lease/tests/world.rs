//! One home and its holders, with messages under way.

use super::*;
use crate::TorusId;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::{Rc, Weak};

pub(super) const HOLDERS: usize = 3;
pub(super) const PAGES: u64 = 4;

/// What tori say to each other; the last torus is the home.
#[derive(Clone, Debug)]
enum Said {
    Hold(usize, i32),
    Unhold(i32),
    /// Under which lease, and which page.
    Lend(u64, u64),
    Lent(u64, u64, Frame),
    Refused(u64, u64),
    Cut(u64, u64),
    Forgotten(u64, u64),
    /// A process that has the object.
    Process,
    /// To where it was: it has come.
    Adopted,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// The next message from one torus to another arrives.
    Deliver(usize, usize),
    /// A core of the home goes on with a page that it has looked for, the how manieth.
    Lend(usize),
    /// A process that a torus has touches a page.
    Touch(usize, u64),
    /// A process goes from one torus to another.
    Move(usize, usize),
    /// A process of a torus ends.
    End(usize),
    /// The object is cut to so many pages, and grows again.
    Cut(u64),
}

const HOME: usize = HOLDERS;

/// A page that a core of the home has looked for, and is about to lend.
pub(super) struct Looked {
    look: Look,
    number: u64,
    holder: usize,
    lease: u64,
    index: u64,
    page: Rc<Frame>,
}

/// What a torus knows of the object of one number.
struct Holder {
    processes: usize,
    /// Those that are leaving.
    frozen: usize,
    /// How often it was given the object, since it has it.
    given: i32,
    lease: Lease,
    /// Pages that it can reach, in these frames.
    maps: BTreeMap<u64, Frame>,
}

pub(super) struct World {
    pub(super) lender: Lender<(), (), Rc<Frame>>,
    /// By torus and number of the object.
    holders: BTreeMap<(usize, u64), Holder>,
    wires: BTreeMap<(usize, usize), VecDeque<(u64, Said)>>,
    leases: u64,
    /// What cores of the home are at.
    pub(super) looked: Vec<Looked>,
    /// Every frame that was ever lent.
    pub(super) frames: Vec<Weak<Frame>>,
    /// The object's own.
    pub(super) pages: BTreeMap<u64, Rc<Frame>>,
    pages_cut: u64,
}

pub(super) fn torus(number: usize) -> TorusId {
    TorusId::new(number).expect("a torus")
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            lender: Lender::new(),
            holders: BTreeMap::new(),
            wires: BTreeMap::new(),
            leases: 0,
            looked: Vec::new(),
            frames: Vec::new(),
            pages: BTreeMap::new(),
            pages_cut: 0,
        }
    }

    fn say(&mut self, from: usize, to: usize, number: u64, said: Said) {
        let wire = self.wires.entry((from, to)).or_default();
        wire.push_back((number, said));
    }

    fn holder(&mut self, at: usize, number: u64) -> &mut Holder {
        let leases = &mut self.leases;
        self.holders.entry((at, number)).or_insert_with(|| {
            *leases += 1;
            Holder {
                processes: 0,
                frozen: 0,
                given: 0,
                lease: Lease::new(*leases),
                maps: BTreeMap::new(),
            }
        })
    }

    /// The holder that has this lease.
    fn leased(&mut self, at: usize, lease: u64) -> Option<&mut Holder> {
        let mut known = self.holders.iter_mut();
        known
            .find(|((torus, _), holder)| *torus == at && holder.lease.number() == lease)
            .map(|(_, holder)| holder)
    }

    /// The number of the object that a torus has a process with, if it has any.
    pub(super) fn has(&self, at: usize) -> Option<u64> {
        let mut known = self.holders.iter();
        known
            .find(|((torus, _), holder)| *torus == at && holder.processes > 0)
            .map(|((_, number), _)| *number)
    }

    fn page(&mut self, index: u64) -> Rc<Frame> {
        let frames = &mut self.frames;
        let page = self.pages.entry(index).or_insert_with(|| {
            let page = Rc::new(Frame(frames.len() as u64));
            frames.push(Rc::downgrade(&page));
            page
        });
        page.clone()
    }

    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::Deliver(from, to) => {
                let wire = self.wires.get_mut(&(from, to));
                if let Some((number, said)) = wire.and_then(VecDeque::pop_front) {
                    self.hear(from, to, number, said);
                }
            }
            Step::Lend(which) if which < self.looked.len() => {
                let looked = self.looked.swap_remove(which);
                self.lend(looked);
            }
            Step::Lend(_) => {}
            Step::Touch(at, index) => self.touch(at, index),
            Step::Move(from, to) if from != to => self.depart(from, to),
            Step::Move(..) => {}
            Step::End(at) => self.end(at),
            Step::Cut(from) => {
                self.pages_cut = from;
                self.pages.retain(|index, _| *index < from);
                let mut told = Vec::new();
                self.lender.cut(from, (), |cut| told.push(cut));
                for cut in told {
                    let said = Said::Cut(cut.from, cut.cut);
                    self.say(HOME, cut.holder.index(), cut.object, said);
                }
            }
        }
    }

    /// A core of the home looks for a page that was asked for.
    fn look(&mut self, holder: usize, number: u64, lease: u64, index: u64) {
        let Some((look, ())) = self.lender.look(number) else {
            return;
        };
        if index % 2 == 1 && index >= self.pages_cut {
            return self.say(HOME, holder, number, Said::Refused(lease, index));
        }
        let page = self.page(index);
        self.looked.push(Looked {
            look,
            number,
            holder,
            lease,
            index,
            page,
        });
    }

    fn lend(&mut self, looked: Looked) {
        let Looked {
            look,
            number,
            holder,
            lease,
            index,
            page,
        } = looked;
        let frame = *page;
        let wire = self.wires.entry((HOME, holder)).or_default();
        let tell = |_: &Rc<Frame>| wire.push_back((number, Said::Lent(lease, index, frame)));
        let lent = self.lender.lend(look, torus(holder), index, page, tell);
        match lent {
            Ok(before) => drop(before),
            Err((Unlent::Cut(_), _)) => self.look(holder, number, lease, index),
            Err((Unlent::Gone(_), _)) => {}
            Err((error @ Unlent::NoMemory(_), _)) => panic!("{error}"),
        }
    }

    fn touch(&mut self, at: usize, index: u64) {
        let Some(number) = self.has(at) else { return };
        let holder = self.holder(at, number);
        match holder.lease.look(index, Pid::INIT) {
            Known::Lent(frame) => {
                holder.maps.insert(index, frame);
            }
            Known::Nothing => {
                holder.lease.asked(index).expect("memory");
                let lease = holder.lease.number();
                self.say(at, HOME, number, Said::Lend(lease, index));
            }
            Known::Asked | Known::Refused(_) => {}
            Known::Content(_) => panic!("nobody says that it is content"),
        }
    }

    fn depart(&mut self, from: usize, to: usize) {
        let number = if from == HOME {
            self.lender.give((), (), torus(to)).expect("memory")
        } else if let Some(number) = self.has(from) {
            let holder = self.holder(from, number);
            (holder.processes, holder.frozen) = (holder.processes - 1, holder.frozen + 1);
            number
        } else {
            return;
        };
        if from != HOME && to != HOME {
            self.say(from, HOME, number, Said::Hold(to, 1));
        }
        self.say(from, to, number, Said::Process);
    }

    pub(super) fn end(&mut self, at: usize) {
        if let Some(number) = self.has(at) {
            let holder = self.holder(at, number);
            holder.processes -= 1;
            self.sweep(at, number);
        }
    }

    fn sweep(&mut self, at: usize, number: u64) {
        let is_unused = |holder: &Holder| holder.processes + holder.frozen == 0;
        if self.holders.get(&(at, number)).is_some_and(is_unused)
            && let Some(holder) = self.holders.remove(&(at, number))
        {
            self.say(at, HOME, number, Said::Unhold(holder.given));
        }
    }

    fn hear(&mut self, from: usize, to: usize, number: u64, said: Said) {
        match said {
            Said::Process => {
                if to != HOME {
                    let holder = self.holder(to, number);
                    (holder.processes, holder.given) = (holder.processes + 1, holder.given + 1);
                }
                self.say(to, from, number, Said::Adopted);
            }
            Said::Adopted if to == HOME => {}
            Said::Adopted => {
                let holder = self.holder(to, number);
                holder.frozen -= 1;
                self.sweep(to, number);
            }
            Said::Hold(holder, change) => {
                let back = self.lender.hold(number, torus(holder), change);
                drop(back.expect("the object is lent"));
            }
            Said::Unhold(count) => {
                self.take_back(number, from, Recall::ALL);
                let back = self.lender.hold(number, torus(from), -count);
                drop(back.expect("the object is lent"));
            }
            Said::Lend(lease, index) => self.look(from, number, lease, index),
            Said::Lent(lease, index, frame) => {
                if let Some(holder) = self.leased(to, lease) {
                    holder.lease.answered(index, Pid::INIT, Answer::Lent(frame));
                    holder.maps.insert(index, frame);
                }
            }
            Said::Refused(lease, index) => {
                let why = Answer::Refused(Refusal::BeyondEnd);
                if let Some(holder) = self.leased(to, lease) {
                    holder.lease.answered(index, Pid::INIT, why);
                }
            }
            Said::Cut(index, cut) => {
                if let Some(holder) = self.holders.get_mut(&(to, number)) {
                    holder.lease.cut(index, || ());
                    holder.maps.retain(|page, _| *page < index);
                }
                self.say(to, HOME, number, Said::Forgotten(index, cut));
            }
            Said::Forgotten(index, cut) => {
                self.take_back(number, from, Recall::cut(index, cut));
            }
        }
    }

    /// Has something come back from a holder.
    fn take_back(&mut self, number: u64, holder: usize, what: Recall) {
        let mut rest = Some(what);
        while let Some(what) = rest {
            rest = self.lender.take_back(number, torus(holder), what).rest;
        }
    }

    pub(super) fn check(&self) {
        for holder in self.holders.values() {
            for (index, frame) in &holder.maps {
                let kept = self.frames[frame.0 as usize].strong_count() > 0;
                assert!(kept, "page {index} is mapped in a frame that is free");
            }
        }
        self.check_cuts();
    }

    /// A holder reaches the pages that the object has, but for those that it is about to hear are cut.
    fn check_cuts(&self) {
        for ((at, number), holder) in &self.holders {
            let wire = self.wires.get(&(HOME, *at)).into_iter().flatten();
            let cuts = wire.filter_map(|(object, said)| match said {
                Said::Cut(from, _) if object == number => Some(*from),
                _ => None,
            });
            let end = cuts.min().unwrap_or(u64::MAX);
            for (index, frame) in holder.maps.range(..end) {
                let page = self.pages.get(index).map(|page| **page);
                assert_eq!(page, Some(*frame), "page {index} on torus {at}");
            }
        }
    }

    pub(super) fn deliver_all(&mut self) {
        while let Some(wire) = self
            .wires
            .iter()
            .find(|(_, said)| !said.is_empty())
            .map(|(wire, _)| *wire)
        {
            self.step(Step::Deliver(wire.0, wire.1));
            self.step(Step::Lend(0));
            self.check();
        }
    }
}
