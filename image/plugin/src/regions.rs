//! Which benchmark region the machine is in.
//!
//! A region is entered by each process that works in it and lasts from the first entry to the last exit. There is one
//! at a time: an entry into another one while a region lasts is not counted, and neither is its exit.

use std::sync::atomic::{AtomicU64, Ordering};

/// The number of a region, as the program that marks it chose it.
pub(crate) type Region = u8;

/// The current region, how many processes are in it, and how many regions there were before.
#[derive(Debug, Default)]
pub(crate) struct Current(AtomicU64);

/// What [`Current`] holds, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// The region.
    pub(crate) region: Region,
    /// Grows with every region, so that what was noted in an earlier one is told from now.
    pub(crate) epoch: u32,
    inside: u16,
}

impl State {
    fn unpack(word: u64) -> Self {
        Self {
            region: word as u8,
            epoch: (word >> 32) as u32,
            inside: (word >> 16) as u16,
        }
    }

    fn pack(self) -> u64 {
        u64::from(self.epoch) << 32 | u64::from(self.inside) << 16 | u64::from(self.region)
    }
}

impl Current {
    /// No region yet.
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// The region that lasts, if there is one.
    pub(crate) fn get(&self) -> Option<State> {
        let state = State::unpack(self.0.load(Ordering::Relaxed));
        (state.inside > 0).then_some(state)
    }

    /// A process begins its work in `region`.
    pub(crate) fn enter(&self, region: Region) {
        self.change(|state| match state.inside {
            0 => Some(State {
                region,
                epoch: state.epoch.wrapping_add(1),
                inside: 1,
            }),
            inside if state.region == region => Some(State {
                inside: inside.saturating_add(1),
                ..state
            }),
            _ => None,
        });
    }

    /// A process has ended its work in `region`.
    pub(crate) fn leave(&self, region: Region) {
        self.change(|state| {
            (state.region == region).then_some(State {
                inside: state.inside.saturating_sub(1),
                ..state
            })
        });
    }

    fn change(&self, change: impl Fn(State) -> Option<State>) {
        // A change that answers `None` leaves the state as it is.
        let _ = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |word| {
                change(State::unpack(word)).map(State::pack)
            });
    }
}

#[cfg(test)]
mod tests {
    use super::Current;

    #[test]
    fn a_region_lasts_from_the_first_entry_to_the_last_exit() {
        let current = Current::new();
        assert_eq!(current.get(), None);
        current.enter(3);
        current.enter(3);
        current.leave(3);
        assert_eq!(current.get().map(|state| state.region), Some(3));
        current.leave(3);
        assert_eq!(current.get(), None);
    }

    #[test]
    fn one_region_at_a_time() {
        let current = Current::new();
        current.enter(1);
        current.enter(2);
        current.leave(2);
        let first = current.get().unwrap();
        assert_eq!(first.region, 1);
        current.leave(1);
        current.enter(2);
        let second = current.get().unwrap();
        assert_eq!(second.region, 2);
        assert_ne!(first.epoch, second.epoch);
    }

    #[test]
    fn an_exit_without_entry_does_no_harm() {
        let current = Current::new();
        current.leave(0);
        assert_eq!(current.get(), None);
        current.enter(0);
        assert!(current.get().is_some());
    }
}
