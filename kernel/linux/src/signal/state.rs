//! What waits for a thread: pending signals, the mask, the alternative stack.

use super::info::SI_USER;
use super::{SigInfo, Signal};
use crate::process::charge::{self, Charge, Kind};
use crate::process::limits::DETAILS;
use crate::syscall::errno::Errno;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};
use fallible::{NoMemory, TryMap, collect};
use sync::IrqLock;
use tori::pieces;

/// Signals that no mask holds back.
pub const UNMASKABLE: u64 = Signal::KILL.bit() | Signal::STOP.bit();
/// The first real-time signal: from it on, equal signals queue up.
const FIRST_REAL_TIME: i32 = 32;
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

/// An alternative signal stack (sigaltstack(2)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AltStack {
    /// Lowest address.
    pub base: u64,
    /// Length in bytes; 0: none.
    pub size: u64,
    /// The flags it was set with (SS_AUTODISARM).
    pub flags: u32,
}

/// MINSIGSTKSZ of x86-64 Linux.
const MIN_STACK: u64 = 2048;
/// No alternative stack.
pub const SS_DISABLE: u32 = 2;
/// It is taken away while a handler runs on it.
pub const SS_AUTODISARM: u32 = 1 << 31;

impl AltStack {
    /// The stack of a stack_t: base, flags, size. ENOMEM when it is too small, EINVAL for other flags.
    pub fn checked([base, flags, size]: [u64; 3]) -> Result<Self, Errno> {
        let flags = flags as u32;
        match flags & !SS_AUTODISARM {
            SS_DISABLE => Ok(Self::default()),
            0 | 1 if size < MIN_STACK => Err(Errno::ENOMEM),
            0 | 1 => Ok(Self {
                base,
                size,
                flags: flags & SS_AUTODISARM,
            }),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Whether `sp` lies on it.
    pub fn contains(&self, sp: u64) -> bool {
        sp > self.base && sp - self.base <= self.size
    }
}

/// A thread's signals.
pub struct SignalState {
    /// Set of pending signals.
    pending: AtomicU64,
    /// Set of blocked signals; written by the thread only.
    mask: AtomicU64,
    /// Details of pending signals.
    details: IrqLock<Details>,
}

impl SignalState {
    /// Nothing pending, nothing blocked.
    pub const fn new() -> Self {
        Self {
            pending: AtomicU64::new(0),
            mask: AtomicU64::new(0),
            details: IrqLock::new(Details::new()),
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

    /// Adds a signal, with its details unless `most` wait already. A standard signal that is pending already stays pending once. False:
    /// as on Linux a real-time signal that is more than a number is not sent without its details.
    pub fn add(&self, info: SigInfo, most: u64) -> bool {
        let mut details = self.details.lock();
        let again = self.pending.load(Ordering::Relaxed) & info.signal.bit() != 0;
        let real_time = info.signal.number() >= FIRST_REAL_TIME;
        if again && !real_time {
            return true;
        }
        let fits = (details.by_signal.len() as u64) < most.min(DETAILS);
        let kept = fits && details.keep(info).is_ok();
        if !kept && real_time && info.code != SI_USER {
            return false;
        }
        self.pending.fetch_or(info.signal.bit(), Ordering::Release);
        true
    }

    /// The details of pending signals, in the order in which they came for each.
    pub fn infos(&self) -> Result<Vec<SigInfo>, NoMemory> {
        let details = self.details.lock();
        let infos = details.by_signal.values().copied();
        collect(infos.inspect(|_| pieces::step()))
    }

    /// Makes these signals pending, with their details.
    pub fn restore(&self, pending: u64, infos: &[SigInfo]) {
        for info in infos {
            self.add(*info, DETAILS);
        }
        self.pending.fetch_or(pending, Ordering::Release);
    }

    /// Forgets pending signals of the set.
    pub fn discard(&self, set: u64) {
        let mut details = self.details.lock();
        if !details.by_signal.is_empty() {
            details.by_signal.retain(|_, info| {
                pieces::step();
                info.signal.bit() & set == 0
            });
            details.tidy();
        }
        self.pending.fetch_and(!set, Ordering::AcqRel);
    }

    /// Takes the next pending signal of `set`: faults first, then by number (signal(7)).
    pub fn take(&self, set: u64) -> Option<SigInfo> {
        const SYNCHRONOUS: u64 = Signal::SEGV.bit()
            | Signal::BUS.bit()
            | Signal::ILL.bit()
            | Signal::TRAP.bit()
            | Signal::FPE.bit()
            | Signal::SYS.bit();
        let mut details = self.details.lock();
        let due = self.pending.load(Ordering::Relaxed) & set;
        let first = if due & SYNCHRONOUS != 0 {
            due & SYNCHRONOUS
        } else {
            due
        };
        let signal = Signal::new(first.trailing_zeros() as i32 + 1).filter(|_| first != 0)?;
        let info = details.take(signal);
        if !details.has(signal) {
            self.pending.fetch_and(!signal.bit(), Ordering::AcqRel);
        }
        Some(info.unwrap_or(SigInfo::from_process(signal, SI_USER, 0, 0)))
    }
}

/// Details of pending signals.
struct Details {
    /// By signal and number, oldest first for each.
    by_signal: BTreeMap<(i32, u64), SigInfo>,
    /// Details that have come so far.
    count: u64,
    charge: Charge,
}

impl Details {
    const fn new() -> Self {
        Self {
            by_signal: BTreeMap::new(),
            count: 0,
            charge: Charge::none(Kind::Signal),
        }
    }

    fn keep(&mut self, info: SigInfo) -> Result<(), NoMemory> {
        self.count += 1;
        let key = (info.signal.number(), self.count);
        self.by_signal.put(key, info)?;
        self.charge.set(self.by_signal.len() as u64);
        Ok(())
    }

    /// The oldest of a signal.
    fn first(&self, signal: Signal) -> Option<(i32, u64)> {
        let number = signal.number();
        let mut those = self.by_signal.range((number, 0)..=(number, u64::MAX));
        those.next().map(|(key, _)| *key)
    }

    fn has(&self, signal: Signal) -> bool {
        self.first(signal).is_some()
    }

    fn take(&mut self, signal: Signal) -> Option<SigInfo> {
        let info = self.by_signal.remove(&self.first(signal)?);
        self.tidy();
        info
    }

    /// The last one's memory goes back.
    fn tidy(&mut self) {
        self.charge.set(self.by_signal.len() as u64);
        if self.by_signal.is_empty() {
            self.by_signal = BTreeMap::new();
        }
    }
}
