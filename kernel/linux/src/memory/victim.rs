//! The process that ends when memory is really out: the one that pays most.
//!
//! *Flow.* Reclaim has gone round several times in vain. The largest process of the torus is then killed, and whoever asked waits for
//! it to be gone: programs that only want their own pages back outlive the one that has filled the memory, whoever asks at that moment. If
//! the asker itself is the largest, it is refused: a fault ends it, a call answers ENOMEM.
//!
//! A process pays for what cannot go without it: its pages, in memory and in swap, the tables that map them, and frames that the
//! kernel's heap has grown by in its calls. The first process is spared as long as there is another. Who has come from another torus
//! with more pages than there was room for pays for that itself, and nobody else does.

use crate::process::{Pid, Process, table};
use crate::signal;
use alloc::sync::Arc;
use braid_signals::Signal;
use core::sync::atomic::{AtomicU32, Ordering};
use mem::above::Verdict;
use tori::Torus;
use tori::pieces;

/// What part of the torus's memory a process pays for at least, if it is to be killed for somebody else's sake.
const PART: u64 = 32;

/// How often those who ask wait for the memory of a victim, before somebody else is looked for.
const PATIENCE: u32 = 24;

/// What a torus knows of its victims.
pub struct Victims {
    /// How often somebody has waited for one that is dying.
    waits: AtomicU32,
}

tori::part!(Victims, 10);

impl Victims {
    /// Nobody yet.
    pub const fn new() -> Self {
        Self {
            waits: AtomicU32::new(0),
        }
    }

    /// Finds somebody to kill, so that who asks, if it is a process, gets memory.
    pub fn find(&self, torus: &Torus, asker: Option<Pid>) -> Verdict {
        if asker
            .and_then(|pid| table().get(pid))
            .is_some_and(|asker| asker.crowds.load(Ordering::Relaxed))
        {
            return Verdict::Asker;
        }
        let patient = self.waits.fetch_add(1, Ordering::Relaxed) < PATIENCE;
        let Some((process, pages)) = largest(torus, asker, patient) else {
            return Verdict::Nobody;
        };
        // One that has just ended is not found any more, but its memory may be on its way.
        let small = pages < torus.total() / PART;
        if small && patient {
            return Verdict::Other;
        }
        if small || Some(process.pid) == asker {
            self.waits.store(0, Ordering::Relaxed);
            return if small {
                Verdict::Nobody
            } else {
                Verdict::Asker
            };
        }
        if is_dying(&process) {
            // Its memory has yet to come.
            return Verdict::Other;
        }
        self.waits.store(0, Ordering::Relaxed);
        log::error!(
            "{}: killed: memory is out, and it has the most: {pages} pages",
            process.label()
        );
        signal::send(&process, Signal::KILL);
        Verdict::Other
    }
}

/// As [`Victims::find`], of this core's torus.
pub fn find(torus: &Torus, asker: Option<Pid>) -> Verdict {
    torus.part::<Victims>().find(torus, asker)
}

/// The process that pays most, or seems to as it is adjusted, and for how many pages; among equals the asker. `dying`: also one that is
/// killed already.
fn largest(torus: &Torus, asker: Option<Pid>, dying: bool) -> Option<(Arc<Process>, u64)> {
    let mut found: Option<(Arc<Process>, u64, i64)> = None;
    let mut last = None;
    while let Some(process) = table().next_living(last) {
        last = Some(process.pid);
        pieces::step();
        if process.pid == Pid::INIT || !dying && is_dying(&process) {
            continue;
        }
        let pages = pays(&process);
        let Some(score) = process.oom.score(pages, torus.total()) else {
            continue;
        };
        let most = found.as_ref().map_or(i64::MIN, |(.., most)| *most);
        if score > most || score == most && Some(process.pid) == asker {
            found = Some((process, pages, score));
        }
    }
    found.map(|(process, pages, _)| (process, pages))
}

/// How soon a process is killed, as `/proc/PID/oom_score` shows it: from 0 to 1333, 667 for one without memory.
pub fn shown_score(process: &Process) -> i32 {
    let total = tori::here().total().max(1);
    let score = process.oom.score(pays(process), total);
    score.map_or(0, |score| {
        ((1000 + score * 1000 / total as i64) * 2 / 3) as i32
    })
}

fn is_dying(process: &Process) -> bool {
    let thread = process.thread();
    thread.is_none_or(|thread| thread.signals.pending() & Signal::KILL.bit() != 0)
}

/// Pages that a process pays for. Its space may be at work on another core: then it is not known what is there.
fn pays(process: &Process) -> u64 {
    let mapped = process.space().and_then(|space| {
        space.try_look(|space| space.resident() + space.swapped() + space.table().frames())
    });
    mapped.unwrap_or(0) + process.heap_frames()
}
