//! Which benchmark region processors are in.
//!
//! Processors form teams, contiguous groups of one size, in which so many workers enter a region. It counts from the entry
//! of the last worker to the first exit: what wakes workers up and what follows their work is not part of it. Teams know
//! nothing of each other: on Braid each torus is one, with a program of its own.

use std::sync::atomic::{AtomicU64, Ordering};

/// The number of a region, as the program that marks it chose it.
pub(crate) type Region = u8;

/// The regions that teams are in.
#[derive(Debug)]
pub(crate) struct Teams {
    size: usize,
    workers: u16,
    states: Vec<AtomicU64>,
}

/// The state of a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    region: Region,
    /// Workers that have entered and not left.
    inside: u16,
    /// One has left: the region counts no more.
    over: bool,
}

impl State {
    const fn unpack(word: u64) -> Self {
        Self {
            region: word as u8,
            inside: (word >> 16) as u16,
            over: word >> 32 != 0,
        }
    }

    const fn pack(self) -> u64 {
        (self.over as u64) << 32 | (self.inside as u64) << 16 | self.region as u64
    }
}

impl Teams {
    /// `cpus` processors in teams of `size`, with so many workers in each.
    pub(crate) fn new(cpus: usize, size: usize, workers: u16) -> Self {
        Self {
            size,
            workers,
            states: (0..cpus.div_ceil(size))
                .map(|_| AtomicU64::new(0))
                .collect(),
        }
    }

    fn of(&self, cpu: usize) -> Option<&AtomicU64> {
        self.states.get(cpu / self.size)
    }

    /// The region that a processor's instructions count for, if they do.
    pub(crate) fn region(&self, cpu: usize) -> Option<Region> {
        let state = State::unpack(self.of(cpu)?.load(Ordering::Relaxed));
        (state.inside == self.workers && !state.over).then_some(state.region)
    }

    /// A worker begins its work in `region`. An entry into another region than that of its team is not counted.
    pub(crate) fn enter(&self, cpu: usize, region: Region) {
        self.change(cpu, |state| match state.inside {
            0 => State {
                region,
                inside: 1,
                over: false,
            },
            inside if state.region == region => State {
                inside: inside.saturating_add(1),
                ..state
            },
            _ => state,
        });
    }

    /// A worker has ended its work.
    pub(crate) fn leave(&self, cpu: usize) {
        self.change(cpu, |state| State {
            inside: state.inside.saturating_sub(1),
            over: true,
            ..state
        });
    }

    fn change(&self, cpu: usize, change: impl Fn(State) -> State) {
        let Some(state) = self.of(cpu) else { return };
        let next = |word| Some(change(State::unpack(word)).pack());
        // The closure always answers, so that this cannot fail.
        let _ = state.fetch_update(Ordering::AcqRel, Ordering::Relaxed, next);
    }
}

#[cfg(test)]
mod tests {
    use super::Teams;

    #[test]
    fn a_region_counts_while_all_workers_are_inside() {
        let teams = Teams::new(4, 4, 2);
        teams.enter(0, 3);
        assert_eq!(teams.region(0), None);
        teams.enter(1, 3);
        assert_eq!((teams.region(0), teams.region(2)), (Some(3), Some(3)));
        // A worker may leave on another processor than it entered on.
        teams.leave(3);
        assert_eq!(teams.region(0), None);
        teams.leave(0);
        teams.enter(0, 4);
        teams.enter(0, 4);
        assert_eq!(teams.region(1), Some(4));
    }

    #[test]
    fn teams_are_in_regions_of_their_own() {
        let teams = Teams::new(4, 2, 1);
        teams.enter(0, 1);
        teams.enter(3, 2);
        assert_eq!((teams.region(1), teams.region(2)), (Some(1), Some(2)));
        teams.leave(2);
        assert_eq!((teams.region(1), teams.region(2)), (Some(1), None));
    }

    #[test]
    fn strangers_do_no_harm() {
        let teams = Teams::new(2, 2, 1);
        teams.leave(0);
        teams.enter(9, 1);
        assert_eq!((teams.region(0), teams.region(9)), (None, None));
        teams.enter(0, 1);
        teams.enter(0, 2);
        assert_eq!(teams.region(0), Some(1));
    }
}
