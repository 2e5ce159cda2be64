//! Transfers against a device that answers in any order, and fails: what happens to pages, slots and frames.

use super::*;
use crate::swap::SlotTable;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;
use core::sync::atomic::{AtomicU16, AtomicU32};
use proptest::prelude::*;

/// Pages of the program.
const PAGES: u64 = 12;
/// Slots of the device: fewer than pages, so that they run out.
const SLOTS: usize = 9;
/// Requests that the device takes.
const REQUESTS: usize = 4;

/// Where a page's only entry leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    Gone,
    Frame(Frame),
    Slot(Slot),
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// The clock chooses the page; the program may have given it up when its entry is to be replaced.
    Evict(u64, bool),
    /// What was evicted is forgotten by all cores.
    Commit,
    /// The program reads the page.
    Touch(u64),
    /// The program writes to the page, by its entry or by what a core remembers of it.
    Write(u64),
    /// The program gives the page up.
    Unmap(u64),
    /// The device answers one of its requests: well, or not.
    Answer(usize, bool),
    /// Whether the device takes requests.
    Takes(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let page = || 0..PAGES;
    prop_oneof![
        4 => (page(), prop::bool::weighted(0.1)).prop_map(|(page, gone)| Step::Evict(page, gone)),
        2 => Just(Step::Commit),
        4 => page().prop_map(Step::Touch),
        3 => page().prop_map(Step::Write),
        1 => page().prop_map(Step::Unmap),
        5 => (0..REQUESTS, prop::bool::weighted(0.9)).prop_map(|(which, good)| Step::Answer(which, good)),
        1 => prop::bool::weighted(0.7).prop_map(Step::Takes),
    ]
}

/// A request that the device has.
struct Request {
    ticket: Ticket,
    direction: Direction,
    slot: Slot,
    frame: Frame,
}

/// What a kernel has around the table, and carries out as `Swap` does.
struct Machine<'a> {
    transfers: Transfers,
    slots: SlotTable<'a>,
    /// References and content of each frame that is in use.
    frames: BTreeMap<Frame, (u32, u64)>,
    next_frame: u64,
    /// What the device holds.
    disk: BTreeMap<Slot, u64>,
    requests: Vec<Request>,
    takes: bool,
    next_ticket: usize,
    entries: Vec<Entry>,
    /// Frames that cores may still write to.
    remembered: BTreeMap<u64, Frame>,
    /// What each page holds.
    expected: Vec<u64>,
    /// Pages that may be lost: a read of theirs has failed.
    lost: BTreeSet<u64>,
    /// Who waits for the end of each transfer, and for room.
    ended: Vec<Vec<u64>>,
    room: Vec<u64>,
    writes: u64,
}

fn name(page: u64) -> PageName {
    PageName {
        used: Use::Private,
        owner: Owner(1),
        index: page,
    }
}

impl<'a> Machine<'a> {
    fn new(slots: SlotTable<'a>) -> Self {
        let transfers = Transfers::new(REQUESTS).unwrap();
        let mut machine = Self {
            ended: vec![Vec::new(); transfers.len()],
            transfers,
            slots,
            frames: BTreeMap::new(),
            next_frame: 0,
            disk: BTreeMap::new(),
            requests: Vec::new(),
            takes: true,
            next_ticket: 0,
            entries: Vec::new(),
            remembered: BTreeMap::new(),
            expected: (0..PAGES).collect(),
            lost: BTreeSet::new(),
            room: Vec::new(),
            writes: 100,
        };
        for page in 0..PAGES {
            let frame = machine.frame(page);
            machine.entries.push(Entry::Frame(frame));
        }
        machine
    }

    /// A new frame with one reference.
    fn frame(&mut self, content: u64) -> Frame {
        let frame = Frame(self.next_frame);
        self.next_frame += 1;
        self.frames.insert(frame, (1, content));
        frame
    }

    fn release(&mut self, frame: Frame) {
        let (references, _) = self.frames.get_mut(&frame).expect("a frame in use");
        *references -= 1;
        if *references == 0 {
            self.frames.remove(&frame);
        }
    }

    fn start(&mut self, index: usize) -> bool {
        let transfer = *self.transfers.get(index).unwrap();
        if !self.takes {
            return false;
        }
        let direction = transfer.direction();
        assert!(self.requests.len() < REQUESTS);
        assert!(direction == Direction::Read || self.requests.len() < REQUESTS - FOR_READS);
        assert!(
            self.requests
                .iter()
                .all(|other| other.slot != transfer.slot && other.frame != transfer.frame)
        );
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        if direction == Direction::Write {
            self.disk
                .insert(transfer.slot, self.frames[&transfer.frame].1);
        }
        self.requests.push(Request {
            ticket,
            direction,
            slot: transfer.slot,
            frame: transfer.frame,
        });
        self.transfers.started(index, ticket);
        true
    }

    fn evict(&mut self, page: u64, gone: bool) {
        let Entry::Frame(frame) = self.entries[page as usize] else {
            return;
        };
        let Some(index) = self.transfers.vacancy() else {
            return;
        };
        let Some(slot) = self.slots.take(|| ()) else {
            return;
        };
        // The transfer gets the entry's reference to the frame, and the entry one to the slot.
        self.transfers.leave(index, slot, frame, name(page));
        if gone {
            self.entries[page as usize] = Entry::Gone;
            self.transfers.abandon(slot);
            self.slots.release(slot);
            self.release(frame);
            self.room.clear();
            return;
        }
        self.remembered.insert(page, frame);
        assert!(self.slots.share(slot));
        self.entries[page as usize] = Entry::Slot(slot);
    }

    fn commit(&mut self) {
        self.remembered.clear();
        self.transfers.commit();
        self.hand_over();
    }

    fn hand_over(&mut self) {
        loop {
            let (index, end) = match self.transfers.next() {
                Next::Nothing => return,
                Next::Spare(index) => (index, End::Spared),
                Next::Write(index) if self.start(index) => continue,
                Next::Write(index) => (index, End::Failed),
            };
            let transfer = self.transfers.end(index).unwrap();
            self.end(index, &transfer, end);
            self.room.clear();
        }
    }

    fn touch(&mut self, page: u64) {
        let Entry::Slot(slot) = self.entries[page as usize] else {
            return;
        };
        if let Some(index) = self.transfers.want(slot) {
            self.ended[index].push(page);
            return;
        }
        if self.slots.is_bad(slot) {
            assert!(
                self.lost.contains(&page),
                "page {page} is lost for no reason"
            );
            return;
        }
        let Some(index) = self.transfers.vacancy_to_read() else {
            self.room.push(page);
            return;
        };
        let frame = self.frame(u64::MAX);
        assert!(self.slots.share(slot));
        self.transfers.bring(index, slot, frame, name(page));
        if self.start(index) {
            self.ended[index].push(page);
        } else {
            self.transfers.clear(index);
            self.slots.release(slot);
            self.release(frame);
        }
    }

    fn write(&mut self, page: u64) {
        let frame = match self.entries[page as usize] {
            Entry::Gone => return,
            Entry::Frame(frame) => frame,
            // A core may remember the entry until what was evicted is committed.
            Entry::Slot(_) => match self.remembered.get(&page) {
                Some(frame) => *frame,
                None => return,
            },
        };
        self.writes += 1;
        self.frames.get_mut(&frame).unwrap().1 = self.writes;
        self.expected[page as usize] = self.writes;
    }

    fn unmap(&mut self, page: u64) {
        match core::mem::replace(&mut self.entries[page as usize], Entry::Gone) {
            Entry::Gone => {}
            Entry::Frame(frame) => self.release(frame),
            Entry::Slot(slot) => {
                self.slots.release(slot);
            }
        }
    }

    fn answer(&mut self, which: usize, good: bool) {
        if which >= self.requests.len() {
            return;
        }
        let request = self.requests.swap_remove(which);
        let (index, transfer) = self.transfers.finished(request.ticket).unwrap();
        assert_eq!(
            (transfer.slot, transfer.frame),
            (request.slot, request.frame)
        );
        match (request.direction, good) {
            (Direction::Read, true) => {
                let content = self.disk[&request.slot];
                self.frames.get_mut(&request.frame).unwrap().1 = content;
            }
            (Direction::Read, false) => {
                let entries = self.entries.iter().zip(0..);
                let those = entries.filter(|(entry, _)| **entry == Entry::Slot(request.slot));
                self.lost.extend(those.map(|(_, page)| page));
            }
            (Direction::Write, _) => {}
        }
        self.end(index, &transfer, if good { End::Done } else { End::Failed });
        self.hand_over();
        self.room.clear();
    }

    fn end(&mut self, index: usize, transfer: &Transfer, end: End) {
        if end.spoils_slot() {
            self.slots.retire(transfer.slot);
        }
        if let Some(page) = transfer.returns_to(end) {
            let entry = &mut self.entries[page.index as usize];
            if *entry == Entry::Slot(transfer.slot) {
                *entry = Entry::Frame(transfer.frame);
                self.frames.get_mut(&transfer.frame).unwrap().0 += 1;
                self.slots.release(transfer.slot);
            }
        }
        self.slots.release(transfer.slot);
        self.release(transfer.frame);
        self.transfers.clear(index);
        self.ended[index].clear();
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Evict(page, gone) => self.evict(page, gone),
            Step::Commit => self.commit(),
            Step::Touch(page) => self.touch(page),
            Step::Write(page) => self.write(page),
            Step::Unmap(page) => self.unmap(page),
            Step::Answer(which, good) => self.answer(which, good),
            Step::Takes(takes) => self.takes = takes,
        }
        // A thread waits only for a transfer that is under way: the device ends each of those.
        for (index, waiting) in self.ended.iter().enumerate() {
            assert!(waiting.is_empty() || self.transfers.get(index).is_some());
        }
        assert!(self.room.is_empty() || !self.requests.is_empty());
    }

    /// Lets the device do all that it has to do.
    fn settle(&mut self) {
        self.takes = true;
        self.commit();
        while !self.requests.is_empty() {
            self.answer(0, true);
        }
        assert!(self.transfers.is_idle() && self.transfers.leaving() == 0);
        assert!(self.room.is_empty() && self.ended.iter().all(Vec::is_empty));
    }

    /// Each page is where its entry says, and nothing else is held.
    fn check(&mut self) {
        let (mut frames, mut slots) = (0, 0);
        for page in 0..PAGES {
            let expected = self.expected[page as usize];
            match self.entries[page as usize] {
                Entry::Gone => {}
                Entry::Frame(frame) => {
                    frames += 1;
                    assert_eq!(self.frames[&frame], (1, expected), "page {page}");
                }
                Entry::Slot(slot) => {
                    slots += 1;
                    assert_eq!(self.slots.references(slot), 1);
                    if self.slots.is_bad(slot) {
                        assert!(
                            self.lost.contains(&page),
                            "page {page} is lost for no reason"
                        );
                    } else {
                        assert_eq!(self.disk[&slot], expected, "page {page}");
                    }
                }
            }
        }
        assert_eq!((self.frames.len(), self.slots.used()), (frames, slots));
    }
}

fn run(steps: &[Step]) {
    let counts = [const { AtomicU16::new(0) }; SLOTS];
    let sums = [const { AtomicU32::new(0) }; SLOTS];
    let blocks = [AtomicU16::new(0)];
    let mut machine = Machine::new(SlotTable::new(&counts, &sums, &blocks, 7));
    for step in steps {
        machine.step(*step);
    }
    machine.settle();
    machine.check();
    // What is still away comes when it is asked for.
    for page in 0..PAGES {
        while matches!(machine.entries[page as usize], Entry::Slot(slot) if !machine.slots.is_bad(slot))
        {
            machine.touch(page);
            machine.settle();
        }
    }
    machine.check();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_page_is_lost_and_nothing_is_kept(steps in prop::collection::vec(step(), 0..200)) {
        run(&steps);
    }
}

#[test]
fn a_page_that_is_wanted_before_the_device_has_it_stays() {
    let counts = [const { AtomicU16::new(0) }; SLOTS];
    let sums = [const { AtomicU32::new(0) }; SLOTS];
    let blocks = [AtomicU16::new(0)];
    let mut machine = Machine::new(SlotTable::new(&counts, &sums, &blocks, 7));
    let entry = machine.entries[3];
    machine.evict(3, false);
    machine.touch(3);
    assert!(machine.disk.is_empty() && machine.entries[3] != entry);
    machine.commit();
    assert!(machine.disk.is_empty() && machine.transfers.is_idle());
    assert_eq!(machine.entries[3], entry);
    machine.check();
}

#[test]
fn reads_have_requests_of_their_own() {
    let counts = [const { AtomicU16::new(0) }; SLOTS];
    let sums = [const { AtomicU32::new(0) }; SLOTS];
    let blocks = [AtomicU16::new(0)];
    let mut machine = Machine::new(SlotTable::new(&counts, &sums, &blocks, 7));
    machine.evict(0, false);
    machine.commit();
    machine.answer(0, true);
    (1..6).for_each(|page| machine.evict(page, false));
    machine.commit();
    assert_eq!(machine.requests.len(), REQUESTS - FOR_READS);
    machine.touch(0);
    assert_eq!(machine.requests.len(), REQUESTS - FOR_READS + 1);
    machine.settle();
    machine.check();
}
