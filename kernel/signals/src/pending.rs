//! Signals that wait: which they are, with what details, and which comes next (signal(7)).

#[cfg(test)]
mod tests;

use alloc::collections::BTreeMap;
use fallible::TryMap;

use crate::info::{SI_USER, SigInfo};
use crate::number::{SYNCHRONOUS, Signal};

/// Signals that wait for a thread. A standard signal waits once; real-time signals queue up, each with its details, as far as there
/// may be.
#[derive(Debug, Default)]
pub struct Pending {
    set: u64,
    /// Details by signal and number, oldest first for each.
    details: BTreeMap<(i32, u64), SigInfo>,
    /// Details that have come so far.
    count: u64,
}

impl Pending {
    /// None.
    pub const fn new() -> Self {
        Self {
            set: 0,
            details: BTreeMap::new(),
            count: 0,
        }
    }

    /// The signals that wait.
    pub const fn set(&self) -> u64 {
        self.set
    }

    /// How many details wait.
    pub fn details(&self) -> u64 {
        self.details.len() as u64
    }

    /// Adds a signal, with its details unless `most` wait already. A standard signal that is pending already stays pending once. False:
    /// as on Linux a real-time signal that is more than a number is not sent without its details.
    #[must_use = "it may be refused"]
    pub fn add(&mut self, info: SigInfo, most: u64) -> bool {
        let (bit, real_time) = (info.signal.bit(), info.signal.is_real_time());
        if self.set & bit != 0 && !real_time {
            return true;
        }
        let kept = self.details() < most && self.keep(info);
        if !kept && real_time && info.code != SI_USER {
            return false;
        }
        self.set |= bit;
        true
    }

    /// False without memory.
    fn keep(&mut self, info: SigInfo) -> bool {
        self.count += 1;
        let key = (info.signal.number(), self.count);
        self.details.put(key, info).is_ok()
    }

    /// Makes the signals of a set pending, without details.
    pub const fn add_set(&mut self, set: u64) {
        self.set |= set;
    }

    /// The details, in the order in which they came for each signal.
    pub fn infos(&self) -> impl ExactSizeIterator<Item = SigInfo> {
        self.details.values().copied()
    }

    /// Forgets the signals of a set. `pause` is called after each that has details.
    pub fn discard(&mut self, set: u64, pause: impl Fn()) {
        if self.set & set != 0 && !self.details.is_empty() {
            self.details.retain(|_, info| {
                pause();
                info.signal.bit() & set == 0
            });
            self.tidy();
        }
        self.set &= !set;
    }

    /// Takes the next signal of `set`: those of the thread's own instructions first, then by number, and of equal ones the oldest.
    pub fn take(&mut self, set: u64) -> Option<SigInfo> {
        let due = self.set & set;
        let first = match due & SYNCHRONOUS {
            0 => due,
            synchronous => synchronous,
        };
        if first == 0 {
            return None;
        }
        let signal = Signal::new(first.trailing_zeros() as i32 + 1)?;
        let info = self.take_details(signal);
        if self.oldest(signal).is_none() {
            self.set &= !signal.bit();
        }
        Some(info.unwrap_or(SigInfo::from_process(signal, SI_USER, 0, 0)))
    }

    fn oldest(&self, signal: Signal) -> Option<(i32, u64)> {
        let number = signal.number();
        let mut those = self.details.range((number, 0)..=(number, u64::MAX));
        those.next().map(|(key, _)| *key)
    }

    fn take_details(&mut self, signal: Signal) -> Option<SigInfo> {
        let info = self.details.remove(&self.oldest(signal)?);
        self.tidy();
        info
    }

    /// The last one's memory goes back: an empty map may keep a node.
    fn tidy(&mut self) {
        if self.details.is_empty() {
            self.details = BTreeMap::new();
        }
    }
}
