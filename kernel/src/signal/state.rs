//! What waits for a thread: pending signals, the mask, the alternative stack.

use super::{SigInfo, Signal};
use crate::sched::lock::Lock;
use crate::sched::own::OwnCell;
use crate::syscall::errno::Errno;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};
use fallible::{NoMemory, TryVec, to_vec};

/// Signals that no mask holds back.
pub const UNMASKABLE: u64 = Signal::KILL.bit() | Signal::STOP.bit();
/// The first real-time signal: from it on, equal signals queue up.
const FIRST_REAL_TIME: i32 = 32;
/// The most details kept at a time; beyond it a signal arrives without them.
const DETAILS: usize = 64;

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
    /// Details of pending signals, oldest first.
    details: Lock<Vec<SigInfo>>,
    /// The mask to go back to when a call ends that had set another one for its duration (sigsuspend, ppoll).
    pub saved_mask: OwnCell<Option<u64>>,
    /// Where handlers run that ask for it.
    pub altstack: OwnCell<AltStack>,
}

impl SignalState {
    /// Nothing pending, nothing blocked.
    pub const fn new() -> Self {
        Self {
            pending: AtomicU64::new(0),
            mask: AtomicU64::new(0),
            details: Lock::new(Vec::new()),
            saved_mask: OwnCell::new(None),
            altstack: OwnCell::new(AltStack {
                base: 0,
                size: 0,
                flags: 0,
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

    /// Adds a signal. A standard signal that is pending already stays pending once.
    pub fn add(&self, info: SigInfo) {
        let mut details = self.details.lock();
        let again = self.pending.load(Ordering::Relaxed) & info.signal.bit() != 0;
        if again && info.signal.number() < FIRST_REAL_TIME {
            return;
        }
        if details.len() < DETAILS {
            // As on Linux a signal comes without its details where there is no memory for them.
            let _ = details.try_push(info);
        }
        self.pending.fetch_or(info.signal.bit(), Ordering::Release);
    }

    /// The details of pending signals.
    pub fn infos(&self) -> Result<Vec<SigInfo>, NoMemory> {
        to_vec(&self.details.lock())
    }

    /// Makes these signals pending, with their details.
    pub fn restore(&self, pending: u64, infos: &[SigInfo]) {
        infos.iter().for_each(|info| self.add(*info));
        self.pending.fetch_or(pending, Ordering::Release);
    }

    /// Forgets pending signals of the set.
    pub fn discard(&self, set: u64) {
        let mut details = self.details.lock();
        details.retain(|info| info.signal.bit() & set == 0);
        if details.is_empty() {
            *details = Vec::new();
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
        let index = details.iter().position(|info| info.signal == signal);
        let info = index.map(|index| details.remove(index));
        if !details.iter().any(|info| info.signal == signal) {
            self.pending.fetch_and(!signal.bit(), Ordering::AcqRel);
        }
        Some(info.unwrap_or(SigInfo::from_process(signal, super::info::SI_USER, 0, 0)))
    }
}
