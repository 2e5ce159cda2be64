//! A torus of cores that run, wait, wake each other's threads and steal, in whatever order.

use super::IdleSet;
use crate::fair::{FairQueue, Link, Node};
use crate::state::{RunState, State};
use alloc::sync::Arc;
use proptest::prelude::*;
use std::cell::Cell;
use std::sync::Mutex;
use std::vec::Vec;

const CORES: usize = 3;
const THREADS: usize = 5;

struct Thread {
    link: Mutex<Link<Self>>,
    state: State,
    loaded_on: Cell<Option<usize>>,
    last: Cell<usize>,
}

impl Node for Thread {
    fn with_link<R>(&self, f: impl FnOnce(&mut Link<Self>) -> R) -> R {
        f(&mut self.link.lock().expect("nobody panics"))
    }
}

#[derive(Default)]
struct Core {
    queue: FairQueue<Thread>,
    current: Option<Arc<Thread>>,
    loaded: Option<Arc<Thread>>,
}

struct Torus {
    cores: [Core; CORES],
    idle: IdleSet<1>,
    threads: Vec<Arc<Thread>>,
}

impl Torus {
    fn new() -> Self {
        let thread = |_| Thread {
            link: Mutex::new(Link::new()),
            state: State::new(),
            loaded_on: Cell::new(None),
            last: Cell::new(0),
        };
        Self {
            cores: core::array::from_fn(|_| Core::default()),
            idle: IdleSet::new(),
            threads: (0..THREADS).map(thread).map(Arc::new).collect(),
        }
    }

    fn wake(&mut self, number: usize) {
        let thread = self.threads[number].clone();
        if thread.state.wake() {
            let core = self.idle.place(thread.loaded_on.get(), thread.last.get());
            self.cores[core].queue.push(thread, 0);
            self.idle.remove(core);
        }
    }

    /// The current thread of a core waits, or stands back.
    fn stop(&mut self, core: usize, waits: bool) {
        let Some(thread) = self.cores[core].current.take() else {
            return;
        };
        if !waits || !thread.state.begin_wait() {
            thread.state.set(RunState::Ready);
            self.cores[core].queue.push(thread, 0);
        }
    }

    /// A core without a thread takes one, its own or another core's, or idles.
    fn next(&mut self, core: usize) {
        if self.cores[core].current.is_some() {
            return;
        }
        let own = self.cores[core].queue.pop().map(|(thread, _)| thread);
        let found = own.or_else(|| {
            let others = (1..CORES).map(|step| (core + step) % CORES);
            let may = |thread: &Thread| thread.loaded_on.get().is_none();
            others
                .filter_map(|other| self.cores[other].queue.steal(CORES, may))
                .next()
        });
        let Some(thread) = found else {
            return self.idle.insert(core);
        };
        self.idle.remove(core);
        thread.state.set(RunState::Running);
        if let Some(old) = self.cores[core].loaded.replace(thread.clone()) {
            old.loaded_on.set(None);
        }
        thread.loaded_on.set(Some(core));
        thread.last.set(core);
        self.cores[core].current = Some(thread);
    }

    /// Each thread is where its state says, once; it is loaded on one core at most, and runs nowhere else.
    fn check(&mut self) {
        for thread in &self.threads {
            let is = |other: &Option<Arc<Thread>>| {
                other
                    .as_ref()
                    .is_some_and(|other| Arc::ptr_eq(other, thread))
            };
            let runs: Vec<usize> = (0..CORES)
                .filter(|&core| is(&self.cores[core].current))
                .collect();
            let loaded: Vec<usize> = (0..CORES)
                .filter(|&core| is(&self.cores[core].loaded))
                .collect();
            let state = thread.state.get();
            let running = matches!(state, RunState::Running | RunState::Woken);
            assert_eq!(runs.len(), usize::from(running), "{state:?}");
            assert_eq!(loaded.first().copied(), thread.loaded_on.get());
            assert!(loaded.len() <= 1 && runs.iter().all(|core| loaded.contains(core)));
        }
        let ready = self.threads.iter();
        let ready = ready.filter(|thread| thread.state.get() == RunState::Ready);
        let queued: usize = self.cores.iter().map(|core| core.queue.len()).sum();
        assert_eq!(ready.count(), queued);
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Wake(usize),
    Stop(usize, bool),
    Next(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..THREADS).prop_map(Step::Wake),
        (0..CORES, any::<bool>()).prop_map(|(core, waits)| Step::Stop(core, waits)),
        (0..CORES).prop_map(Step::Next),
    ]
}

proptest! {
    #[test]
    fn no_thread_is_lost_or_runs_twice(steps in prop::collection::vec(step(), 0..200)) {
        let mut torus = Torus::new();
        for step in steps {
            match step {
                Step::Wake(number) => torus.wake(number),
                Step::Stop(core, waits) => torus.stop(core, waits),
                Step::Next(core) => torus.next(core),
            }
            torus.check();
        }
        // Each core now takes threads and stops them by turns: every thread that was woken must have had a turn in the end.
        (0..THREADS).for_each(|number| torus.wake(number));
        for _ in 0..4 * THREADS {
            for core in 0..CORES {
                torus.stop(core, true);
                torus.next(core);
                torus.check();
            }
        }
        prop_assert!(torus.threads.iter().all(|thread| thread.state.get() != RunState::Ready));
    }
}

#[test]
fn a_woken_thread_goes_where_it_is_loaded_or_where_somebody_idles() {
    let idle = IdleSet::<2>::new();
    assert_eq!(idle.place(None, 3), 3);
    idle.insert(70);
    assert_eq!((idle.place(None, 3), idle.place(Some(5), 3)), (70, 5));
    idle.insert(3);
    assert_eq!((idle.place(None, 3), idle.len()), (3, 2));
    assert!(idle.remove(3) && !idle.remove(3));
    assert_eq!((idle.take_any(), idle.take_any()), (Some(70), None));
}
