//! One home and its holders, with messages in any legal order: what a holder can reach is always kept, and in the end nothing is.

extern crate std;

mod world;

use alloc::{vec, vec::Vec};

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
    lease.answered(3, Pid::INIT, Answer::Refused(Why::Lost));
    assert_eq!(lease.look(3, other), Known::Nothing);
    assert_eq!(lease.look(3, Pid::INIT), Known::Refused(Why::Lost));
    assert_eq!(lease.look(3, Pid::INIT), Known::Nothing);
}

#[test]
fn content_goes_back_as_soon_as_it_is_copied() {
    let (mut lender, holder) = (Lender::new(), TorusId::ZERO);
    let same = |known: &char| *known == 'a';
    let (number, _) = lender.give('a', holder, same).expect("memory");
    assert!(lender.has(same));
    let (look, _) = lender.look(number).expect("it is known");
    let lent = lender.lend(look, holder, 5, "page", |_| ());
    assert_eq!(lent, Ok(None));
    assert_eq!(lender.copied(number, holder, 5), Some("page"));
    assert_eq!(lender.copied(number, holder, 5), None);
    let back = lender.release(number, holder, 1).expect("it is known");
    assert_eq!((back.object, back.pages), (Some('a'), vec![]));
    assert!(lender.is_empty());
}

/// One core gives an object away while another one hears that nobody holds it any more: it has a number all the same.
#[test]
fn what_is_given_while_it_comes_back_keeps_its_number() {
    use std::sync::Mutex;
    let lender = Mutex::new(Lender::<char, ()>::new());
    let lock = || lender.lock().expect("no panic");
    let (to, sender) = (torus(1), std::sync::mpsc::channel::<u64>());
    let (says, given) = sender;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in given {
                let back = lock().release(number, to, 1);
                drop(back.expect("who is given an object finds it"));
            }
        });
        for _ in 0..50_000 {
            let (number, back) = lock().give('a', to, |_| true).expect("memory");
            drop(back);
            says.send(number).expect("heard");
        }
        drop(says);
    });
    assert!(lock().is_empty());
}
