//! What waits for a thread, and what it blocks.

use crate::process::charge::{self, Charge, Kind};
use crate::process::limits::DETAILS;
use alloc::vec::Vec;
use braid_signals::pending::Pending;
use braid_signals::{SigInfo, UNMASKABLE};
use core::sync::atomic::{AtomicU64, Ordering};
use fallible::{NoMemory, collect};
use sync::IrqLock;
use tori::pieces;

/// Those that do whatever waits for others.
const FEW: u64 = 32;

/// How many signals may wait with their details for a process with this limit now.
pub fn most_details(limit: u64) -> u64 {
    if charge::has_room(Kind::Signal, 1) {
        limit
    } else {
        limit.min(FEW)
    }
}

/// A thread's signals.
pub struct SignalState {
    /// The set of those that wait, to be read without their lock.
    pending: AtomicU64,
    /// Set of blocked signals; written by the thread only.
    mask: AtomicU64,
    waiting: IrqLock<Waiting>,
}

/// Signals that wait, and what their details count for.
struct Waiting {
    signals: Pending,
    charge: Charge,
}

impl SignalState {
    /// Nothing pending, nothing blocked.
    pub const fn new() -> Self {
        Self {
            pending: AtomicU64::new(0),
            mask: AtomicU64::new(0),
            waiting: IrqLock::new(Waiting {
                signals: Pending::new(),
                charge: Charge::none(Kind::Signal),
            }),
        }
    }

    /// The blocked signals.
    pub fn mask(&self) -> u64 {
        self.mask.load(Ordering::Acquire)
    }

    /// Sets the blocked signals.
    pub fn set_mask(&self, mask: u64) {
        self.mask.store(mask & !UNMASKABLE, Ordering::Release);
    }

    /// The pending signals.
    pub fn pending(&self) -> u64 {
        self.pending.load(Ordering::Acquire)
    }

    /// Whether a signal is pending that is not blocked.
    pub fn is_due(&self) -> bool {
        self.pending() & !self.mask() != 0
    }

    /// Adds a signal, with its details unless `most` wait already ([`Pending::add`]).
    pub fn add(&self, info: SigInfo, most: u64) -> bool {
        self.change(|signals| signals.add(info, most.min(DETAILS)))
    }

    /// The details of pending signals, in the order in which they came for each.
    pub fn infos(&self) -> Result<Vec<SigInfo>, NoMemory> {
        let waiting = self.waiting.lock();
        collect(waiting.signals.infos().inspect(|_| pieces::step()))
    }

    /// Makes these signals pending, with their details.
    pub fn restore(&self, pending: u64, infos: &[SigInfo]) {
        for info in infos {
            self.add(*info, DETAILS);
        }
        self.change(|signals| signals.add_set(pending));
    }

    /// Forgets pending signals of the set.
    pub fn discard(&self, set: u64) {
        self.change(|signals| signals.discard(set, pieces::step));
    }

    /// Takes the next pending signal of `set` ([`Pending::take`]).
    pub fn take(&self, set: u64) -> Option<SigInfo> {
        self.change(|signals| signals.take(set))
    }

    fn change<R>(&self, change: impl FnOnce(&mut Pending) -> R) -> R {
        let mut waiting = self.waiting.lock();
        let result = change(&mut waiting.signals);
        let (set, details) = (waiting.signals.set(), waiting.signals.details());
        waiting.charge.set(details);
        // An exchange: who wakes the thread after this looks at it only when the signal can be seen.
        self.pending.swap(set, Ordering::AcqRel);
        result
    }
}
