use super::*;
use proptest::prelude::*;
use std::sync::Mutex;
use std::vec::Vec;

struct Thread {
    number: usize,
    link: Mutex<Link<Thread>>,
}

impl Node for Thread {
    fn with_link<R>(&self, f: impl FnOnce(&mut Link<Self>) -> R) -> R {
        f(&mut self.link.lock().expect("nobody panics"))
    }
}

fn thread(number: usize) -> Arc<Thread> {
    let link = Mutex::new(Link::new());
    Arc::new(Thread { number, link })
}

/// Runs threads with these nice values on one core for so many slices of a millisecond; answers how many slices each got.
fn shares(nice: &[i32], slices: usize) -> Vec<usize> {
    let mut queue = FairQueue::new();
    let mut had = std::vec![0; nice.len()];
    (0..nice.len()).for_each(|number| queue.push(thread(number), 0));
    for _ in 0..slices {
        let (thread, time) = queue.pop().expect("somebody waits");
        had[thread.number] += 1;
        let used = virtual_time(1_000_000, nice[thread.number]);
        queue.push(thread, time + used);
    }
    had
}

#[test]
fn nice_19_gets_a_seventieth() {
    let had = shares(&[0, 19], 7_000);
    assert!((95..=105).contains(&had[1]), "{had:?}");
}

#[test]
fn equal_threads_take_turns() {
    assert_eq!(shares(&[3; 7], 700), [100; 7]);
}

#[test]
fn a_step_is_a_quarter() {
    for nice in -20..19 {
        let had = shares(&[nice, nice + 1], 9_000);
        assert!(had[0].abs_diff(5_000) < 20, "{nice}: {had:?}");
    }
}

#[test]
fn who_has_slept_does_not_catch_up() {
    let mut queue = FairQueue::new();
    queue.push(thread(0), 1_000_000);
    let (first, time) = queue.pop().expect("one waits");
    queue.push(first, time + 10);
    queue.push(thread(1), 0);
    assert_eq!(queue.pop().map(|(_, time)| time), Some(1_000_000));
}

#[derive(Clone, Debug)]
enum Step {
    Push(u64),
    Pop,
    Steal(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0u64..100).prop_map(Step::Push),
        2 => Just(Step::Pop),
        1 => (1usize..5).prop_map(Step::Steal),
    ]
}

proptest! {
    /// The heap gives out what a sorted list would.
    #[test]
    fn as_a_sorted_list(steps in prop::collection::vec(step(), 0..300)) {
        let mut queue = FairQueue::new();
        let mut model: Vec<(u64, usize)> = Vec::new();
        let mut floor = 0;
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Push(time) => {
                    queue.push(thread(number), time);
                    model.push((time.max(floor), number));
                    model.sort_unstable();
                }
                Step::Pop => {
                    let expected = (!model.is_empty()).then(|| model.remove(0));
                    let seen = queue.pop().map(|(thread, time)| (time, thread.number));
                    prop_assert_eq!(seen, expected);
                    floor = floor.max(expected.map_or(0, |(time, _)| time));
                }
                Step::Steal(divisor) => {
                    let may = |number: usize| number.is_multiple_of(divisor);
                    let most = model.len();
                    let found = model.iter().position(|(_, number)| may(*number));
                    let expected = found.map(|index| model.remove(index).1);
                    let seen = queue.steal(most, |thread| may(thread.number));
                    prop_assert_eq!(seen.map(|thread| thread.number), expected);
                }
            }
            prop_assert_eq!(queue.len(), model.len());
        }
    }

    /// However many wait, the way down that adding and taking go is short.
    #[test]
    fn ways_are_short(times in prop::collection::vec(0u64..1000, 1..500)) {
        let mut queue = FairQueue::new();
        for (number, time) in times.iter().enumerate() {
            queue.push(thread(number), *time);
        }
        let root = queue.root.as_ref();
        prop_assert!(rank(root) <= (times.len() + 1).ilog2());
    }

    /// Threads of any nice values get their shares.
    #[test]
    fn shares_are_by_weight(nice in prop::collection::vec(-10..=10, 2..5)) {
        let slices = 20_000;
        let had = shares(&nice, slices);
        let weight = |nice: i32| 1.25f64.powi(-nice);
        let all: f64 = nice.iter().map(|nice| weight(*nice)).sum();
        for (nice, had) in nice.iter().zip(had) {
            let expected = weight(*nice) / all * slices as f64;
            prop_assert!((had as f64 - expected).abs() <= expected * 0.02 + 3.0);
        }
    }
}
