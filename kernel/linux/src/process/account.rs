//! The account of this core's torus at the end of the machine: it has as many free frames as before its first process, and
//! as much of its heap in use.
//!
//! Nothing is left out: what a torus keeps as long as the machine it makes when the account is [opened](open), and what it keeps for later
//! it lets go before the account is settled.

use super::table;
use crate::file::remote;
use crate::syscall::errno::Errno;
use crate::vmo;
use machine::boot;
use machine::cpu;
use machine::shootdown;
use machine::time::{self, Nanos};
use mem::OfTorus as _;
use mem::reclaim::Reclaim;
use spin::Once;
use tori::Torus;
use tori::counters;
use tori::heap::InUse;

/// How long the torus's other cores have for what they are about to let go.
const PATIENCE: Nanos = Nanos::from_secs(2);

/// What a torus had before its first process.
pub struct Account {
    frames: Once<u64>,
    heap: Once<InUse>,
}

tori::part!(Account, 18);

impl Account {
    /// Not opened.
    pub const fn new() -> Self {
        Self {
            frames: Once::new(),
            heap: Once::new(),
        }
    }

    /// The frames that the torus had; `None` before they are noted.
    pub fn frames(&self) -> Option<u64> {
        self.frames.get().copied()
    }

    /// Notes the frames of a torus, before the machine's first process.
    pub fn note_frames(&self, torus: &Torus) {
        self.frames.call_once(|| torus.account());
        torus.settle();
    }
}

/// Makes what the executing core's torus has for processes as long as the machine, and notes what of the heap is in use then. Called before
/// anything is made for the torus's first process, and again for every other one that comes. ENOMEM without memory for it.
pub fn open() -> Result<(), Errno> {
    let torus = tori::here();
    if torus.part::<Account>().heap.get().is_none() {
        crate::file::prepare()?;
        crate::vmo::prepare()?;
        // Requests that were served for other tori may have left something that is only kept for later.
        mem::reclaim::shrink(torus);
        shrink(torus);
        torus
            .part::<Account>()
            .heap
            .call_once(|| torus.heap.in_use());
        crate::file::fill();
    }
    Ok(())
}

/// Gives back what is only kept for later: memory of empty tables, and pages and objects that nobody has mapped.
fn shrink(torus: &Torus) {
    torus.part::<vmo::Store>().sweep();
    torus.part::<remote::RemoteFiles>().shrink();
    torus.part::<travel::PerTorus>().shrink();
}

/// Frees what the torus keeps only to be faster later. Before that it waits until the torus's other cores are idle: a core drops the
/// thread that has just ended on it only then.
fn let_go(torus: &Torus) {
    let until = time::now() + PATIENCE;
    while sched::of(torus).idle_cores() + 1 < torus.cores() && time::now() < until {
        shootdown::serve();
        cpu::let_interrupts_in();
    }
    crate::file::let_go();
    mem::reclaim::finish();
    torus.part::<Reclaim>().wake_waiting();
    table().clear();
    mem::reclaim::shrink(torus);
    shrink(torus);
    tori::rings::let_go();
    torus.heap.trim(torus);
}

/// Says what of the heap is in use that was not before. That there is less is no leak: the other tori may have been served when the account
/// was opened.
fn compare(torus: &Torus, before: &InUse, now: &InUse) {
    let left = |before: u64, now: u64| now.cast_signed() - before.cast_signed();
    let id = torus.id;
    for ((size, before), (_, now)) in before.small.iter().zip(&now.small) {
        let count = left(*before, *now);
        if count > 0 {
            log::warn!("torus {id} leaks {count} objects of the heap, of up to {size} bytes");
        }
    }
    let bytes = left(before.large, now.large);
    if bytes > 0 {
        log::warn!("torus {id} leaks {bytes} bytes of the heap, in pages");
    }
}

/// Lets caches go, compares, and says what is missing; with `stats`, also what was counted.
#[inline(never)]
pub fn check() {
    // The plug-in that measures stretches begins a new one here: what follows belongs to the machine's end, not to a program.
    cpu::let_interrupts_in();
    let torus = tori::here();
    let_go(torus);
    cpu::let_interrupts_in();
    let (frames, heap) = (torus.account(), torus.heap.in_use());
    let account = torus.part::<Account>();
    let Some(before) = account.frames() else {
        return;
    };
    log::info!(
        "torus {}: frames available {frames}, at start of init {before}; heap {} bytes in {} frames, at start {} bytes",
        torus.id,
        heap.bytes(),
        torus.heap.frames(),
        account.heap.get().map_or(0, InUse::bytes),
    );
    if frames != before {
        let missing = before.cast_signed() - frames.cast_signed();
        log::warn!("torus {} leaks {missing} frames", torus.id);
    }
    if let Some(before) = account.heap.get() {
        compare(torus, before, &heap);
    }
    let slots = torus.kept().swap().map_or(0, |swap| swap.slots().used());
    if slots > 0 {
        log::warn!("torus {} leaks {slots} swap slots", torus.id);
    }
    if boot::info().command_line.stats {
        counters::log(torus);
    }
}
