//! Errands: what one torus asks another to do in its own memory, at the machine's beginning and end.

use super::{account, init};
use crate::arch::cpu;
use crate::arch::ipi::{self, Ipi};
use crate::tori::Torus;
use core::sync::atomic::{AtomicU32, Ordering};

/// Start the first program here too.
const START: u32 = 1;
/// Let caches go.
const LET_GO: u32 = 2;
/// Kill every process.
const KILL: u32 = 4;

/// What a torus has been asked to do.
pub struct Errands {
    asked: AtomicU32,
    /// Bits taken up and not yet done.
    busy: AtomicU32,
}

impl Errands {
    /// None.
    pub const fn new() -> Self {
        Self {
            asked: AtomicU32::new(0),
            busy: AtomicU32::new(0),
        }
    }

    /// Whether nothing is asked and nothing being done.
    pub fn are_done(&self) -> bool {
        self.asked.load(Ordering::Acquire) == 0 && self.busy.load(Ordering::Acquire) == 0
    }
}

/// Has `torus` start the command line's program as its first process.
pub fn start(torus: &'static Torus) {
    ask(torus, START);
}

/// Has `torus` kill all its processes.
pub fn kill(torus: &'static Torus) {
    ask(torus, KILL);
}

/// Has `torus` let its caches go; returns when it has.
pub fn let_go(torus: &'static Torus) {
    ask(torus, LET_GO);
    while !torus.share.errands.are_done() {
        core::hint::spin_loop();
        crate::arch::shootdown::serve();
    }
}

fn ask(torus: &'static Torus, errand: u32) {
    let errands = &torus.share.errands;
    errands.asked.fetch_or(errand, Ordering::AcqRel);
    if cpu::this().torus().id == torus.id {
        run();
    } else {
        ipi::send(torus.core(0).index, Ipi::Reschedule);
    }
}

/// Does what this core's torus has been asked to do: on its first core, when another core has interrupted it.
pub fn run() {
    // A core that has not joined a torus yet is woken by the same interrupt.
    let Some(torus) = cpu::this().try_torus() else {
        return;
    };
    let errands = &torus.share.errands;
    if errands.asked.load(Ordering::Relaxed) == 0 {
        return;
    }
    errands.busy.fetch_add(1, Ordering::AcqRel);
    let asked = errands.asked.swap(0, Ordering::AcqRel);
    if asked & START != 0 {
        init::begin();
    }
    if asked & KILL != 0 {
        init::kill_all();
    }
    if asked & LET_GO != 0 {
        account::let_go();
    }
    errands.busy.fetch_sub(1, Ordering::AcqRel);
}
