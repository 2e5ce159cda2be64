//! Reclaim: memory for those who ask for it when there is little or none.
//!
//! Nothing is evicted where frames are allocated, as locks are held there. An allocation that finds the pool low asks for
//! reclaim, which happens on the way back to programs ([`keep_up`]) and goes on as the disk answers. An
//! allocation that fails ends the fault or the call that made it, which then [makes room](Retry::make_room) and tries again, at once or when
//! a frame has come. When nothing can go any more it gets no memory: the process that asked pays, and the rest goes on.

use super::OfTorus as _;
use super::above::{Verdict, mem_find_victim};
use super::evict::Batch;
use super::object::Objects;
use super::swap::Swap;
use braid_time::Nanos;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use machine::cpu;
use machine::time::now;
use sync::Lock;
use sync::WaitQueue;
use tori::counters;
use tori::pieces;
use tori::{Make, Torus, low_watermark};
use torus::TorusId;
use torus::pid::Pid;
use vm::clock::{Candidate, Clock};
use vm::reclaim::{Outcome, Progress, Step, judge, missing, sweep};
use vm::table::TableMemory;

/// Frames that are looked at each time the pool is found low.
const GLANCE: u64 = 256;
/// Frames that are evicted at once.
const BATCH: u64 = 32;
/// Parts of the torus's frames that one try to make room looks at.
const PARTS: u64 = 8;
/// How long one try goes on where others want the core.
const SLICE: Nanos = Nanos::from_millis(2);

/// Memory is out, whatever may still go, when the kernel's heap has all but one of so many parts of the torus's frames.
const HEAP_PARTS: u64 = 8;

/// A torus's reclaim.
pub struct Reclaim {
    clock: Lock<Clock>,
    /// The pool was found low.
    asked: AtomicBool,
    /// The disk has answered.
    answered: AtomicBool,
    /// Threads that wait for a frame.
    waiting: WaitQueue,
    /// Those who have found the clock held by another core.
    turned_away: WaitQueue,
}

/// What came of making room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Frames have become free.
    Made,
    /// A frame may come: who asks is enrolled, and tries again when it is woken.
    Wait,
    /// Nothing can go any more.
    None,
}

tori::part!(Reclaim, 6);

impl Make for Reclaim {
    fn new(_: TorusId, _: usize) -> Self {
        Self::new()
    }
}

/// Gives back what a torus keeps only for later: pages and objects that nobody has mapped.
pub fn shrink(torus: &Torus) {
    torus.part::<Objects>().drop_unused();
    torus.kept().page_cache.drop_unused();
}

impl Reclaim {
    /// Nothing to do, no swap.
    const fn new() -> Self {
        Self {
            clock: Lock::new(Clock::new()),
            asked: AtomicBool::new(false),
            answered: AtomicBool::new(false),
            waiting: WaitQueue::new(),
            turned_away: WaitQueue::new(),
        }
    }

    /// Wakes all threads that wait for a frame or for a page from the swap disk, and empties the queues that they stand in.
    pub fn wake_waiting(&self) {
        self.waiting.wake_all();
        self.turned_away.wake_all();
        if let Some(swap) = tori::here().kept().swap() {
            swap.wake_waiting();
        }
    }

    /// Works with the clock, unless another core does; those who were turned away meanwhile are woken after it.
    fn with_clock<R>(&self, work: impl FnOnce(&mut Clock) -> R) -> Option<R> {
        let result = work(&mut *self.clock.try_lock()?);
        self.turned_away.wake_all();
        Some(result)
    }

    /// The pool is low. Any lock may be held.
    pub fn ask(&self) {
        if !self.asked.load(Ordering::Relaxed) {
            self.asked.store(true, Ordering::Relaxed);
        }
        machine::cpu::request_resched();
    }
}

/// The disk's interrupt, which may come between the pieces of an operation that holds locks: it only notes.
pub fn on_disk_irq() {
    let answered = &tori::here().part::<Reclaim>().answered;
    answered.store(true, Ordering::Relaxed);
    machine::cpu::request_resched();
}

/// Does what allocations and the disk have asked for. On a core that holds no lock. The disk may answer meanwhile, where a long
/// operation lets interrupts in: nothing is left to be done when this returns.
pub fn keep_up() {
    let torus = tori::here();
    let reclaim: &Reclaim = torus.part();
    let taken =
        |flag: &AtomicBool| flag.load(Ordering::Relaxed) && flag.swap(false, Ordering::Acquire);
    if taken(&reclaim.asked) {
        refill(torus);
    }
    while taken(&reclaim.answered) {
        if let Some(swap) = torus.kept().swap() {
            swap.completed();
            reclaim.waiting.wake_all();
        }
        cpu::let_interrupts_in();
        refill(torus);
    }
}

/// Waits until nothing is under way to or from this core's torus's disk, and no other core is at work here: who looks at a space
/// keeps it from ending.
pub fn finish() {
    let torus = tori::here();
    drop(torus.part::<Reclaim>().clock.lock());
    while let Some(swap) = torus.kept().swap().filter(|swap| !swap.is_idle()) {
        swap.completed();
        core::hint::spin_loop();
        cpu::let_interrupts_in();
    }
}

/// Evicts some when less is free, or on its way, than [`low`] wants, until it is twice as much.
fn refill(torus: &'static Torus) {
    let leaving = torus.kept().swap().map_or(0, Swap::leaving);
    let wanted = missing(torus.for_programs() + leaving, low_watermark(torus.total())).min(BATCH);
    if wanted > 0 {
        torus
            .part::<Reclaim>()
            .with_clock(|clock| evict(torus, clock, (wanted, GLANCE), || false));
    }
}

/// Evicts up to `wanted` of the next `look` frames, until `is_over` between two of them.
fn evict(
    torus: &'static Torus,
    clock: &mut Clock,
    (wanted, look): (u64, u64),
    is_over: impl Fn() -> bool,
) -> Progress {
    let mut batch = Batch::new(torus);
    let is_over = || {
        pieces::step();
        is_over()
    };
    let evict = |candidate: &Candidate| {
        let step = batch.evict(candidate);
        if step == Step::Dropped {
            counters::own().pages_dropped.add(1);
        }
        step
    };
    let frames = torus.memory().frames();
    let progress = sweep(clock, frames, (wanted, look), is_over, evict);
    batch.finish();
    progress
}

/// What has been tried so far to make room for somebody, who needs memory again and again.
#[derive(Debug, Default)]
pub struct Retry {
    /// Frames that were looked at in vain.
    vain: AtomicU32,
}

impl Retry {
    /// Nothing.
    pub const fn new() -> Self {
        Self {
            vain: AtomicU32::new(0),
        }
    }

    /// Makes room for whom this core works for: on a core that holds no lock of memory's (of no space, no object, no disk). `wake` wakes it
    /// where nobody else will: it tries again when others had a turn. When nothing can go any more, a process is killed whose memory
    /// then comes, unless that is `asker`.
    pub fn make_room(&self, asker: Option<Pid>, wake: impl FnOnce()) -> Room {
        let (room, vain) = attempt(self.vain.load(Ordering::Relaxed), asker, wake);
        self.vain.store(vain, Ordering::Relaxed);
        room
    }

    /// Memory was there: tries in vain count from here again.
    #[inline]
    pub fn succeeded(&self) {
        if self.vain.load(Ordering::Relaxed) > 0 {
            self.vain.store(0, Ordering::Relaxed);
        }
    }
}

/// As [`Retry::make_room`], where `vain` frames were looked at in vain before; and how many those are after that.
///
/// Frames that are free do not count: they were too few for what was asked, and only what goes makes them more.
fn attempt(vain: u32, asker: Option<Pid>, wake: impl FnOnce()) -> (Room, u32) {
    let torus = tori::here();
    // First, so that no frame comes unnoticed.
    torus.part::<Reclaim>().waiting.enrol();
    torus.part::<Objects>().drop_unused();
    torus.kept().page_cache.drop_unused();
    torus.heap.trim(torus);
    cpu::let_interrupts_in();
    let again = |vain| {
        wake();
        (Room::Wait, vain)
    };
    // The pages that would go then are those that somebody needs next.
    if torus.heap.frames() > torus.usable() / HEAP_PARTS * (HEAP_PARTS - 1) {
        match mem_find_victim(torus, asker) {
            Verdict::Other => return again(1),
            Verdict::Asker => return (Room::None, 0),
            Verdict::Nobody => {}
        }
    }
    let Some(progress) = try_to_evict(torus) else {
        return (Room::Wait, vain);
    };
    let is_under_way = torus.kept().swap().is_some_and(|swap| !swap.is_idle());
    match judge(progress, is_under_way, vain, torus.total()) {
        Outcome::Made => (Room::Made, 0),
        Outcome::Wait => (Room::Wait, 0),
        Outcome::Again(vain) => again(vain),
        Outcome::Nothing => match mem_find_victim(torus, asker) {
            Verdict::Other => again(1),
            Verdict::Asker | Verdict::Nobody => (Room::None, 0),
        },
    }
}

/// Looks through a part of the torus's frames, for so long as one may who shares the core; none while another core evicts, which wakes
/// those who wait.
fn try_to_evict(torus: &'static Torus) -> Option<Progress> {
    let look = (torus.total() / PARTS).max(GLANCE);
    let until = now() + SLICE;
    let is_over = || now() > until && pieces::is_wanted();
    let reclaim: &Reclaim = torus.part();
    let evict = || reclaim.with_clock(|clock| evict(torus, clock, (BATCH, look), is_over));
    evict().or_else(|| {
        reclaim.turned_away.enrol();
        // It may have been let go before that.
        evict()
    })
}
