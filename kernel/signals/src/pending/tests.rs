//! Signals that wait against a list of all that were sent.

use super::*;
use crate::info::{Fields, SI_TKILL};
use alloc::vec;
use alloc::vec::Vec;
use proptest::prelude::*;

/// Details that there may be.
const MOST: u64 = 6;

#[derive(Clone, Debug)]
enum Step {
    Add(i32, bool),
    Take(u64),
    Discard(u64),
    Move,
}

/// As POSIX has it: what was sent, in order, where a signal without details is only a number.
#[derive(Default)]
struct Model(Vec<(Signal, Option<SigInfo>)>);

impl Model {
    fn waits(&self, signal: Signal) -> bool {
        self.0.iter().any(|(other, _)| *other == signal)
    }

    fn details(&self) -> usize {
        self.0.iter().filter(|(_, info)| info.is_some()).count()
    }

    fn add(&mut self, info: SigInfo) -> bool {
        let (signal, real_time) = (info.signal, info.signal.number() >= 32);
        if !real_time && self.waits(signal) {
            return true;
        }
        if (self.details() as u64) < MOST {
            // A number alone becomes one with details.
            self.0
                .retain(|(other, info)| *other != signal || info.is_some());
            self.0.push((signal, Some(info)));
            return true;
        }
        if real_time && info.code != SI_USER {
            return false;
        }
        if !self.waits(signal) {
            self.0.push((signal, None));
        }
        true
    }

    fn take(&mut self, set: u64) -> Option<(Signal, Option<SigInfo>)> {
        const FAULTS: [Signal; 6] = [
            Signal::ILL,
            Signal::TRAP,
            Signal::BUS,
            Signal::FPE,
            Signal::SEGV,
            Signal::SYS,
        ];
        let rank = |signal: Signal| (!FAULTS.contains(&signal), signal.number());
        let due = self.0.iter().enumerate();
        let due = due.filter(|(_, (signal, _))| signal.bit() & set != 0);
        let (at, _) = due.min_by_key(|(at, (signal, _))| (rank(*signal), *at))?;
        Some(self.0.remove(at))
    }

    fn set(&self) -> u64 {
        self.0.iter().fold(0, |set, (signal, _)| set | signal.bit())
    }
}

/// Few signals, so that they meet: faults, standard and real-time ones.
fn number() -> impl Strategy<Value = i32> {
    prop::sample::select(vec![1, 2, 4, 9, 11, 15, 18, 31, 32, 34, 35, 64])
}

fn set() -> impl Strategy<Value = u64> {
    prop_oneof![Just(u64::MAX), any::<u64>()]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (number(), any::<bool>()).prop_map(|(number, by_kill)| Step::Add(number, by_kill)),
        4 => set().prop_map(Step::Take),
        1 => set().prop_map(|set| Step::Discard(set & set >> 3)),
        1 => Just(Step::Move),
    ]
}

proptest! {
    #[test]
    fn each_comes_as_it_was_sent(steps in prop::collection::vec(step(), 0..80)) {
        let (mut pending, mut model) = (Pending::new(), Model::default());
        let mut sent = 0;
        for step in steps {
            match step {
                Step::Add(number, by_kill) => {
                    sent += 1;
                    let code = if by_kill { SI_USER } else { SI_TKILL };
                    let info = SigInfo::from_process(Signal::new(number).unwrap(), code, sent, 0);
                    prop_assert_eq!(pending.add(info, MOST), model.add(info));
                }
                Step::Take(set) => match (pending.take(set), model.take(set)) {
                    (None, None) => {}
                    (Some(info), Some((signal, expected))) => {
                        prop_assert_eq!(info.signal, signal);
                        if let Some(expected) = expected {
                            prop_assert_eq!(info, expected);
                        } else {
                            let nobody = Fields::Sender { pid: 0, uid: 0, value: 0 };
                            prop_assert_eq!(info.fields, nobody);
                        }
                    }
                    (taken, expected) => prop_assert!(false, "{:?}, not {:?}", taken, expected),
                },
                Step::Discard(set) => {
                    pending.discard(set, || ());
                    model.0.retain(|(signal, _)| signal.bit() & set == 0);
                }
                Step::Move => {
                    // As a process moves: details first, then the set.
                    let mut there = Pending::new();
                    for info in pending.infos() {
                        prop_assert!(there.add(info, MOST));
                    }
                    there.add_set(pending.set());
                    pending = there;
                }
            }
            prop_assert_eq!(pending.set(), model.set());
            prop_assert_eq!(pending.details(), model.details() as u64);
        }
        while let Some(info) = pending.take(u64::MAX) {
            prop_assert_eq!(Some(info.signal), model.take(u64::MAX).map(|(signal, _)| signal));
        }
        prop_assert!(model.0.is_empty() && pending.set() == 0 && pending.details() == 0);
    }
}
