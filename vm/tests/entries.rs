//! Entries, slots, flush debts and the clock, one by one.

use std::sync::atomic::{AtomicU16, AtomicU32};

use proptest::prelude::*;
use vm::addr::{Frame, Page, PageRange};
use vm::clock::{Candidate, Clock, Verdict};
use vm::flush::{FLUSH_CEILING, Flush};
use vm::frames::{FrameList, FrameMeta, FrameTable, Owner, Use};
use vm::space::Age;
use vm::swap::SlotTable;
use vm::table::{Entry, Rights, Slot, Source, State};

fn rights() -> impl Strategy<Value = Rights> {
    (0..8u8).prop_map(Rights::from_bits_truncate)
}

proptest! {
    #[test]
    fn a_leaf_says_what_it_was_made_of(number in 0..1u64 << 40, rights in rights(), write: bool) {
        let frame = Frame(number);
        let entry = Entry::leaf(frame, rights).touched(write);
        prop_assert_eq!(entry.frame(), frame);
        prop_assert_eq!(entry.is_present(), !rights.is_empty());
        prop_assert_eq!(entry.is_writable(), rights.contains(Rights::WRITE));
        prop_assert_eq!(entry.is_dirty(), write);
        prop_assert!(entry.is_accessed() && !entry.aged().is_accessed());
        prop_assert!(entry.is_counted() && !entry.borrowed().is_counted());
        prop_assert!(entry.borrowed().holds_frame());
        prop_assert!(entry.pinned().is_pinned() && !entry.is_pinned());
        prop_assert!(entry.of_object().is_of_object() && !entry.is_of_object());
        let (present, parked) = (State::Present(frame), State::Parked(frame));
        prop_assert_eq!(entry.state(), if rights.is_empty() { parked } else { present });
        // Parked and back: nothing is lost.
        let back = entry.with_rights(Rights::empty()).with_rights(rights);
        prop_assert_eq!(back, entry);
    }

    #[test]
    fn slots_and_remote_pages_are_never_present(number in 0..1u64 << 40, home in 0..2048u16) {
        let swap = Entry::swap(Slot(number));
        prop_assert_eq!(swap.state(), State::Swap(Slot(number)));
        let entry = Entry::remote(Source(home));
        prop_assert_eq!(entry.state(), State::Remote(Source(home)));
        for entry in [swap, entry] {
            prop_assert!(!entry.is_present() && !entry.holds_frame() && !entry.is_empty());
        }
    }

    #[test]
    fn a_flush_covers_what_was_added(ranges in prop::collection::vec((0..200u64, 1..20u64), 1..5)) {
        let mut flush = Flush::None;
        for (start, count) in &ranges {
            flush.add(PageRange::at(Page(*start), *count));
        }
        match flush {
            Flush::None => prop_assert!(false),
            Flush::All => {}
            Flush::Pages(pages) => {
                prop_assert!(pages.len() <= FLUSH_CEILING);
                for (start, count) in &ranges {
                    prop_assert!(pages.covers(PageRange::at(Page(*start), *count)));
                }
            }
        }
    }
}

#[test]
fn slots_are_free_when_no_entry_refers_to_them() {
    let counts: Vec<AtomicU16> = (0..3).map(|_| AtomicU16::new(0)).collect();
    let sums: Vec<AtomicU32> = counts.iter().map(|_| AtomicU32::new(0)).collect();
    let blocks = [AtomicU16::new(0)];
    let slots = SlotTable::new(&counts, &sums, &blocks, 1);
    let taken: Vec<Slot> = std::iter::from_fn(|| slots.take(|| ())).collect();
    assert_eq!(taken, [Slot(0), Slot(1), Slot(2)]);
    assert!(slots.share(Slot(1)) && !slots.release(Slot(1)) && slots.release(Slot(1)));
    assert!(!slots.release(Slot(1)), "released more often than taken");
    assert!(
        !slots.share(Slot(1)) && !slots.share(Slot(9)),
        "nobody has it"
    );
    assert_eq!(
        (slots.available(), slots.take(|| ()), slots.take(|| ())),
        (1, Some(Slot(1)), None)
    );
}

#[test]
fn bad_slots_are_not_taken_again() {
    let counts: Vec<AtomicU16> = (0..2).map(|_| AtomicU16::new(0)).collect();
    let sums: Vec<AtomicU32> = counts.iter().map(|_| AtomicU32::new(0)).collect();
    let blocks = [AtomicU16::new(0)];
    let slots = SlotTable::new(&counts, &sums, &blocks, 1);
    let bad = slots.take(|| ()).unwrap();
    assert!(slots.share(bad) && !slots.is_bad(bad));
    slots.retire(bad);
    assert!(slots.is_bad(bad) && slots.is_bad(Slot(2)));
    assert_eq!((slots.references(bad), slots.used()), (2, 1));
    // Forks of who has a lost page have lost it too.
    assert!(slots.share(bad));
    assert_eq!([(); 3].map(|()| slots.release(bad)), [false, false, true]);
    assert_eq!((slots.used(), slots.available()), (0, 1));
    assert_eq!([(); 2].map(|()| slots.take(|| ())), [Some(Slot(1)), None]);
    assert!(!slots.share(bad) && !slots.release(bad));
}

#[test]
fn a_slot_counts_as_many_entries_as_fit() {
    let counts = [AtomicU16::new(0)];
    let sums: Vec<AtomicU32> = counts.iter().map(|_| AtomicU32::new(0)).collect();
    let blocks = [AtomicU16::new(0)];
    let slots = SlotTable::new(&counts, &sums, &blocks, 1);
    let slot = slots.take(|| ()).unwrap();
    let shares = (1..u16::MAX).take_while(|_| slots.share(slot)).count();
    assert_eq!((shares, slots.references(slot)), (0x7ffe, 0x7fff));
    slots.retire(slot);
    assert!(!slots.share(slot));
    assert_eq!(slots.references(slot), 0x7fff);
}

#[test]
fn a_list_of_frames_gives_back_what_it_took() {
    let metas: Vec<FrameMeta> = (0..10).map(|_| FrameMeta::default()).collect();
    let frames = FrameTable::new(Frame(100), &metas);
    let (mut one, mut other) = (FrameList::new(), FrameList::new());
    for n in 100..104 {
        one.push(&frames, Frame(n));
        other.push(&frames, Frame(n + 5));
    }
    one.append(&frames, FrameList::new());
    one.append(&frames, other);
    let mut all: Vec<u64> = std::iter::from_fn(|| one.pop(&frames))
        .map(|frame| frame.0)
        .collect();
    all.sort_unstable();
    assert_eq!(all, [100, 101, 102, 103, 105, 106, 107, 108]);
}

#[test]
fn the_clock_gives_a_second_chance() {
    let metas: Vec<FrameMeta> = (0..4).map(|_| FrameMeta::default()).collect();
    let frames = FrameTable::new(Frame(0), &metas);
    for (n, used) in [(1, Use::Private), (2, Use::Table), (3, Use::Cached)] {
        frames.claim(Frame(n), used);
        frames.assign(Frame(n), used, Owner(n as u32), n);
    }
    frames.share(Frame(3));
    let mut clock = Clock::new();
    let mut next = || {
        let mut round = 4;
        clock
            .next(&frames, &mut round)
            .map(|candidate| candidate.frame)
    };
    assert_eq!(
        [next(), next(), next()],
        [Some(Frame(1)), Some(Frame(3)), Some(Frame(1))]
    );
    let candidate = |n, used| Candidate {
        frame: Frame(n),
        used,
        owner: Owner(n as u32),
        index: n,
    };
    let private = candidate(1, Use::Private);
    let mut age = Age {
        entries: 1,
        accessed: true,
        ..Age::default()
    };
    assert_eq!(Clock::judge(&frames, &private, age, 0), Verdict::Keep);
    age.accessed = false;
    assert_eq!(Clock::judge(&frames, &private, age, 0), Verdict::Write);
    let cached = candidate(3, Use::Cached);
    assert_eq!(
        Clock::judge(&frames, &cached, age, 0),
        Verdict::Keep,
        "a reference is missing"
    );
    assert_eq!(Clock::judge(&frames, &cached, age, 1), Verdict::Drop);
    frames.mark_dirty(Frame(3));
    assert_eq!(Clock::judge(&frames, &cached, age, 1), Verdict::Write);
    assert!(
        frames.take_dirty(Frame(3)),
        "it stays dirty until it is written"
    );
    age.large = true;
    assert_eq!(Clock::judge(&frames, &cached, age, 1), Verdict::Keep);
}

#[test]
fn a_search_for_a_slot_passes_over_full_blocks() {
    use std::cell::Cell;
    use vm::swap::BLOCK;

    let counts: Vec<AtomicU16> = (0..100 * BLOCK).map(|_| AtomicU16::new(0)).collect();
    let sums: Vec<AtomicU32> = counts.iter().map(|_| AtomicU32::new(0)).collect();
    let blocks: Vec<AtomicU16> = (0..100).map(|_| AtomicU16::new(0)).collect();
    let slots = SlotTable::new(&counts, &sums, &blocks, 1);
    while slots.take(|| ()).is_some() {}
    assert_eq!(slots.available(), 0);
    // Wherever a slot becomes free, and wherever the search has ended before, one block is looked through, or two.
    for at in [70_000, 3, 30_000, 29_999, 30_001] {
        let (slot, looks) = (Slot(at % counts.len() as u64), Cell::new(0));
        assert!(slots.release(slot));
        let found = slots.take(|| looks.set(looks.get() + 1));
        assert_eq!(found, Some(slot));
        assert!(looks.get() <= 2, "{looks:?}");
    }
}
