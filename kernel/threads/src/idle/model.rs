//! Every interleaving of small cases under loom: a core that runs out of threads, and those who wake some for it.

use super::IdleSet;
use crate::fair::{FairQueue, Link, Node};
use crate::state::{RunState, State};
use alloc::sync::Arc;
use loom::sync::Mutex;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

/// A thread that waits for something to become true.
struct Waiter {
    link: std::sync::Mutex<Link<Self>>,
    state: State,
    came: AtomicBool,
}

impl Node for Waiter {
    fn with_link<R>(&self, f: impl FnOnce(&mut Link<Self>) -> R) -> R {
        f(&mut self.link.lock().expect("nobody panics"))
    }
}

/// One core, as the others see it.
struct Core {
    queue: Mutex<FairQueue<Waiter>>,
    idle: IdleSet<1>,
    interrupted: AtomicBool,
}

impl Core {
    fn new() -> Self {
        Self {
            queue: Mutex::new(FairQueue::new()),
            idle: IdleSet::new(),
            interrupted: AtomicBool::new(false),
        }
    }

    fn wake(&self, waiter: &Arc<Waiter>) {
        if waiter.state.wake() {
            self.queue.lock().unwrap().push(waiter.clone(), 0);
            if self.idle.remove(0) {
                self.interrupted.store(true, Ordering::Release);
            }
        }
    }

    fn find(&self) -> Option<Arc<Waiter>> {
        self.queue.lock().unwrap().pop().map(|(waiter, _)| waiter)
    }

    /// What a core does with an empty queue; None: it halts.
    fn look(&self) -> Option<Arc<Waiter>> {
        self.find().or_else(|| {
            self.idle.insert(0);
            let found = self.find();
            if found.is_some() {
                self.idle.remove(0);
            }
            found
        })
    }
}

fn waiter(state: RunState) -> Arc<Waiter> {
    let waiter = Waiter {
        link: std::sync::Mutex::new(Link::new()),
        state: State::new(),
        came: AtomicBool::new(false),
    };
    waiter.state.set(state);
    Arc::new(waiter)
}

/// A thread looks for something, finds nothing, and waits, while that comes: it ends up running, or in a queue of a core that looks
/// or is interrupted.
#[test]
fn no_wake_up_is_lost() {
    loom::model(|| {
        let (core, one) = (Arc::new(Core::new()), waiter(RunState::Running));
        let waker = {
            let (core, one) = (core.clone(), one.clone());
            thread::spawn(move || {
                one.came.store(true, Ordering::Release);
                core.wake(&one);
            })
        };
        let mut runs = true;
        if !one.came.load(Ordering::Acquire) {
            runs = !one.state.begin_wait() || core.look().is_some();
        }
        waker.join().unwrap();
        let waits = core.find().is_some();
        assert!(runs || waits, "it is nowhere");
        assert!(
            runs || core.interrupted.load(Ordering::Acquire),
            "its core halts"
        );
    });
}

/// Two wake a thread that waits: one of them queues it.
#[test]
fn a_thread_is_queued_once() {
    loom::model(|| {
        let (core, one) = (Arc::new(Core::new()), waiter(RunState::Blocked));
        let wakers = [(); 2].map(|()| {
            let (core, one) = (core.clone(), one.clone());
            thread::spawn(move || core.wake(&one))
        });
        for waker in wakers {
            waker.join().unwrap();
        }
        assert_eq!(core.queue.lock().unwrap().len(), 1);
        assert_eq!(one.state.get(), RunState::Ready);
    });
}

/// Two threads are woken for one core that is about to halt: it finds both.
#[test]
fn a_core_that_halts_is_interrupted_for_what_comes() {
    loom::model(|| {
        let core = Arc::new(Core::new());
        let wakers = [(); 2].map(|()| {
            let core = core.clone();
            thread::spawn(move || core.wake(&waiter(RunState::Blocked)))
        });
        let found = core.look();
        for waker in wakers {
            waker.join().unwrap();
        }
        let left = core.queue.lock().unwrap().len();
        assert_eq!(left + usize::from(found.is_some()), 2);
        assert!(found.is_some() || core.interrupted.load(Ordering::Acquire));
    });
}
