//! One home and its holders, with messages in any legal order: what a holder can reach is always kept, and in the end nothing is.

extern crate std;

mod world;

use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::TorusId;
use crate::pid::Pid;
use world::{HOLDERS, PAGES, Step, World, torus};

fn steps() -> impl Strategy<Value = Step> {
    let all = 0..=HOLDERS;
    prop_oneof![
        6 => (all.clone(), all.clone()).prop_map(|(from, to)| Step::Deliver(from, to)),
        4 => (0..3_usize).prop_map(Step::Lend),
        4 => (0..HOLDERS, 0..PAGES).prop_map(|(at, index)| Step::Touch(at, index)),
        2 => (all.clone(), all.clone()).prop_map(|(from, to)| Step::Move(from, to)),
        1 => all.prop_map(Step::End),
        1 => (0..PAGES).prop_map(Step::Cut),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_can_be_reached_is_kept_and_everything_comes_back(steps in prop::collection::vec(steps(), 1..120)) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
            world.check();
        }
        world.deliver_all();
        for at in 0..HOLDERS {
            while world.has(at).is_some() {
                world.end(at);
            }
        }
        world.deliver_all();
        world.looked.clear();
        world.pages.clear();
        prop_assert!(world.lender.is_empty());
        prop_assert!(world.frames.iter().all(|frame| frame.strong_count() == 0));
    }
}

#[test]
fn a_refusal_is_told_once_and_to_whom_it_is_for() {
    let other = Pid::from_raw(7).expect("a number");
    let mut lease = Lease::new(1);
    assert_eq!(lease.look(3, Pid::INIT), Known::Nothing);
    lease.asked(3).expect("memory");
    assert_eq!(lease.look(3, other), Known::Asked);
    lease.answered(3, Pid::INIT, Answer::Refused(Refusal::Lost));
    assert_eq!(lease.look(3, other), Known::Nothing);
    assert_eq!(lease.look(3, Pid::INIT), Known::Refused(Refusal::Lost));
    assert_eq!(lease.look(3, Pid::INIT), Known::Nothing);
}

/// A home that looks for memory may look at a wish once more after it has granted it.
#[test]
fn what_is_lent_is_not_refused_afterwards() {
    let mut lease = Lease::new(1);
    lease.asked(3).expect("memory");
    lease.answered(3, Pid::INIT, Answer::Lent(Frame(9)));
    lease.answered(3, Pid::INIT, Answer::Refused(Refusal::Lost));
    assert_eq!(lease.look(3, Pid::INIT), Known::Lent(Frame(9)));
}

#[test]
fn content_goes_back_as_soon_as_it_is_copied() {
    let (mut lender, holder) = (Lender::new(), TorusId::ZERO);
    let number = lender.give('a', "object", holder).expect("memory");
    assert!(lender.has('a'));
    let (look, _) = lender.look(number).expect("it is known");
    let lent = lender.lend(look, holder, 5, "page", |_| ());
    assert_eq!(lent, Ok(None));
    assert_eq!(lender.copied(number, holder, 5), Some("page"));
    assert_eq!(lender.copied(number, holder, 5), None);
    let back = lender.hold(number, holder, -1).expect("it is known");
    let back = back.expect("nobody has it");
    assert_eq!((back.object, back.pages.count()), ("object", 0));
    assert!(lender.is_empty() && !lender.has('a'));
}

/// All pages that the lender takes back from a holder for one recall, which it does in parts of bounded length.
fn taken(lender: &mut Lender<(), (), u64>, number: u64, holder: TorusId, what: Recall) -> Vec<u64> {
    let (mut all, mut rest) = (Vec::new(), Some(what));
    while let Some(what) = rest {
        let part = lender.take_back(number, holder, what);
        all.extend(part.pages);
        rest = part.rest;
    }
    all
}

proptest! {
    /// Pages that are lent between cuts, many of them under one index, come back in parts: each once, and those alone that the holder speaks of.
    #[test]
    fn parts_of_what_comes_back_are_all_of_it(
        rounds in prop::collection::vec((0..3_u64, prop::collection::vec(0..4_u64, 0..6)), 0..60),
        recalls in prop::collection::vec((0..60_u64, 0..5_u64), 0..4),
    ) {
        let (mut lender, holder, other) = (Lender::new(), torus(1), torus(2));
        let number = lender.give((), (), holder).expect("memory");
        let mut kept = Vec::new();
        for (cut, (from, indices)) in (0..).zip(rounds) {
            for index in indices {
                let page = cut * 10 + index;
                for to in [holder, other] {
                    let (look, ()) = lender.look(number).expect("it is known");
                    let lent = lender.lend(look, to, index, page, |_| ());
                    prop_assert!(lent.is_ok());
                }
                kept.retain(|known| *known != page);
                kept.push(page);
            }
            lender.cut(from, (), |_| ());
        }
        for (cut, from) in recalls {
            let comes = |page: &u64| page / 10 <= cut && page % 10 >= from;
            let (mut expected, rest): (Vec<_>, Vec<_>) = kept.into_iter().partition(comes);
            kept = rest;
            let mut back = taken(&mut lender, number, holder, Recall::cut(from, cut));
            back.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(back, expected);
        }
        let mut back = taken(&mut lender, number, holder, Recall::ALL);
        back.sort_unstable();
        kept.sort_unstable();
        prop_assert_eq!(back, kept);
    }
}

#[test]
fn a_lease_that_is_cut_keeps_what_was_asked() {
    let mut lease = Lease::new(1);
    for index in [2, 3, u64::MAX] {
        lease.asked(index).expect("memory");
    }
    lease.answered(3, Pid::INIT, Answer::Lent(Frame(7)));
    lease.cut(3, || ());
    let known = [2, 3, u64::MAX].map(|index| lease.look(index, Pid::INIT));
    assert_eq!(known, [Known::Asked, Known::Nothing, Known::Asked]);
}

/// One core gives an object away while another one hears that nobody holds it any more: it has a number all the same.
#[test]
fn what_is_given_while_it_comes_back_keeps_its_number() {
    use std::sync::Mutex;
    let lender = Mutex::new(Lender::<char, (), ()>::new());
    let lock = || lender.lock().expect("no panic");
    let (to, sender) = (torus(1), std::sync::mpsc::channel::<u64>());
    let (says, given) = sender;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in given {
                let back = lock().hold(number, to, -1);
                drop(back.expect("who is given an object finds it"));
            }
        });
        for _ in 0..50_000 {
            let number = lock().give('a', (), to).expect("memory");
            says.send(number).expect("heard");
        }
        drop(says);
    });
    assert!(lock().is_empty());
}
