//! Balance, with `braid=auto`: an idle torus takes over a process that waits for a core elsewhere ([`torus::balance`] decides).
//!
//! *Flow.* A torus where processes wait tells the others so with the ticks of its cores (`Load`). One with an idle core asks the
//! busiest for a process (`Want`), which moves one that is queued. Where nobody waits nothing is sent.

use super::{Thread, table};
use crate::moving::depart;
use crate::process::thread::Task;
use core::sync::atomic::{AtomicU64, Ordering};
use heapless::Vec;
use machine::boot;
use machine::time;
use machine::time::Nanos;
use sched::Taken;
use sync::Lock;
use tori::Torus;
use tori::rings;
use torus::balance::Message;
use torus::balance::{self, Candidate, Load};
use torus::{MAX_TORI, TorusId};

/// Nanoseconds between two tellings.
const PERIOD: u64 = 10_000_000;
/// The most queued threads that are looked at for one that asks.
const LOOKED_AT: usize = 16;

/// What a torus knows of the others.
pub struct Balance {
    /// When the load is told next, in nanoseconds since boot.
    next: AtomicU64,
    /// By torus; one that has been asked is not asked again before it has told its load anew.
    loads: Lock<[Load; MAX_TORI]>,
}

tori::part!(Balance, 15);

impl Balance {
    /// Nothing is known.
    pub const fn new() -> Self {
        let idle = Load {
            runnable: 0,
            cores: 0,
            frames: 0,
        };
        Self {
            next: AtomicU64::new(0),
            loads: Lock::new([idle; MAX_TORI]),
        }
    }
}

/// A core's timer has fired: the others are told if processes wait here.
pub fn tick() {
    if tori::count() < 2 {
        return;
    }
    let torus = tori::here();
    let (now, next) = (time::now().get(), &torus.part::<Balance>().next);
    let due = next.load(Ordering::Relaxed);
    let take = || {
        next.compare_exchange(
            due,
            now.saturating_add(PERIOD),
            Ordering::Relaxed,
            Ordering::Relaxed,
        )
    };
    if now < due || take().is_err() {
        return;
    }
    rings::try_again();
    // A torus that hears of it late has lost nothing.
    if rings::is_choked() {
        return;
    }
    if torus.part::<travel::PerTorus>().has_claims() {
        rings::send(torus.id, torus::migrate::Message::Tend {});
    }
    let load = load(torus);
    if !boot::info().command_line.balance || load.waiting() == 0 {
        return;
    }
    for other in tori::all().filter(|other| other.id != torus.id) {
        rings::send(other.id, Message::Load { load });
    }
}

/// A torus is busy: asks for a process if cores idle here, and processes may come.
pub fn told(from: TorusId, load_there: Load) {
    let torus = tori::here();
    if torus.part::<travel::PerTorus>().is_draining() {
        return;
    }
    let mut loads = torus.part::<Balance>().loads.lock();
    loads[from.index()] = load_there;
    let own = load(torus);
    let others = TorusId::first(tori::count()).filter(|id| *id != torus.id);
    let busiest = balance::ask(&own, others.map(|id| (id, loads[id.index()])));
    let Some(busiest) = busiest else { return };
    loads[busiest.index()] = Load::default();
    rings::send(busiest, Message::Want { load: own });
}

/// A torus asks for a process: one that waits here goes there.
pub fn wanted(to: TorusId, load_there: Load) {
    let torus = tori::here();
    // With those that wait, before they are taken out of the queues.
    let own = load(torus);
    let queued = take_queued(torus);
    let candidates = queued.iter().filter_map(|thread| candidate(thread));
    let given = balance::give(&own, &load_there, candidates);
    let thread = queued
        .iter()
        .find(|thread| Some(thread.process.pid) == given);
    if let Some(thread) = thread {
        depart::send_away(thread, to);
    }
}

/// How busy the torus is.
fn load(torus: &Torus) -> Load {
    // A core that delivers this without a thread is about to idle, or to take one of those that wait.
    let idle = sched::of(torus).idle_cores() + usize::from(!Thread::has_current());
    let running = torus.cores().saturating_sub(idle);
    let waiting: usize = (0..torus.cores())
        .map(|index| sched::shared::<Task>(torus.core(index)).waiting())
        .sum();
    Load {
        runnable: (running + waiting) as u32,
        cores: torus.cores() as u32,
        frames: torus.available(),
    }
}

/// Takes threads out of the run queues that are loaded on no core, so that nobody else touches them.
fn take_queued(torus: &Torus) -> Vec<Taken<Task>, LOOKED_AT> {
    let mut queued = Vec::new();
    for index in 0..torus.cores() {
        while queued.len() < LOOKED_AT
            && let Some(thread) = sched::shared(torus.core(index)).take()
        {
            // There is room.
            let _ = queued.push(thread);
        }
    }
    queued
}

/// What is to be known of a thread that nobody else touches.
fn candidate(thread: &Thread) -> Option<Candidate> {
    let space = thread.process.space()?;
    let (frames, residual) = travel::migrated::pages(&space);
    let process = &thread.process;
    Some(Candidate {
        pid: process.pid,
        frames,
        residual,
        moves: table().with(|families, _| families.moves(process.pid)),
        stayed: (time::now() - Nanos::new(process.since())).get(),
    })
}
