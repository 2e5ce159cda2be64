//! Which process an idle torus takes over from a busy one, with `braid=auto`.
//!
//! *Flow.* Every torus tells the others its [`Load`] from time to time. A torus with an idle core [asks](ask) the one where
//! most processes wait for a core (`Want`, which carries its own load). That one looks whether it has something
//! to [give], at that moment and with what it knows for certain, and migrates it.
//!
//! *Why nothing bounces.* A process moves only from a torus where it waits for a core to one where a core is idle,
//! so each move leaves fewer processes waiting, and when none waits or no core is idle nothing moves. Loads that
//! change all the time are damped: a process rests where it arrived, twice as long after each move, and does not
//! move before its pages have.

mod message;

pub use message::Message;

use crate::{TorusId, pid::Pid};

/// How busy a torus is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Load {
    /// Processes that run or could run.
    pub runnable: u32,
    /// Cores.
    pub cores: u32,
    /// Frames free.
    pub frames: u64,
}

impl Load {
    /// Processes that wait for a core.
    pub const fn waiting(&self) -> u32 {
        self.runnable.saturating_sub(self.cores)
    }

    /// Cores without a process.
    pub const fn idle(&self) -> u32 {
        self.cores.saturating_sub(self.runnable)
    }
}

/// A process that waits for a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub pid: Pid,
    /// Frames that it has here.
    pub frames: u64,
    /// Pages that it has elsewhere.
    pub residual: u64,
    /// How often it was moved for balance.
    pub moves: u32,
    /// Nanoseconds since it arrived.
    pub stayed: u64,
}

impl Candidate {
    /// Rest after the first move: long enough for a few time slices, short enough for a person.
    const REST: u64 = 50_000_000;
    /// Doublings of the rest at the most: about 13 s.
    const DOUBLINGS: u32 = 8;

    /// Nanoseconds that it stays where it is.
    const fn rest(&self) -> u64 {
        match self.moves {
            0 => 0,
            moves if moves > Self::DOUBLINGS => Self::REST << Self::DOUBLINGS,
            moves => Self::REST << (moves - 1),
        }
    }

    fn may_move(&self, to: &Load) -> bool {
        // All its pages follow; half of what is free there stays for those who are there.
        self.residual == 0 && self.stayed >= self.rest() && self.frames <= to.frames / 2
    }
}

/// The torus that one with load `own` asks for a process: where most wait, the first of equals.
pub fn ask(own: &Load, others: impl Iterator<Item = (TorusId, Load)>) -> Option<TorusId> {
    if own.idle() == 0 {
        return None;
    }
    let busy = others.filter(|(_, load)| load.waiting() > 0);
    busy.min_by_key(|(torus, load)| (u32::MAX - load.waiting(), *torus))
        .map(|(torus, _)| torus)
}

/// What a torus with load `own` gives to one with load `to`: of the processes that wait here and may move, the
/// one with the fewest frames, the first of equals.
pub fn give(own: &Load, to: &Load, waiting: impl Iterator<Item = Candidate>) -> Option<Pid> {
    if own.waiting() == 0 || to.idle() == 0 {
        return None;
    }
    let movable = waiting.filter(|candidate| candidate.may_move(to));
    movable
        .min_by_key(|candidate| (candidate.frames, candidate.pid))
        .map(|candidate| candidate.pid)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use proptest::prelude::*;
    use std::{vec, vec::Vec};

    use super::*;

    fn pid(number: i32) -> Pid {
        Pid::from_raw(number).unwrap()
    }

    fn torus(index: usize) -> TorusId {
        TorusId::new(index).unwrap()
    }

    fn load(runnable: u32, cores: u32) -> Load {
        Load {
            runnable,
            cores,
            frames: 1000,
        }
    }

    fn candidate(number: i32) -> Candidate {
        Candidate {
            pid: pid(number),
            frames: 10,
            residual: 0,
            moves: 0,
            stayed: 0,
        }
    }

    #[test]
    fn an_idle_torus_asks_where_most_wait() {
        let others = [
            (torus(1), load(3, 2)),
            (torus(2), load(9, 4)),
            (torus(3), load(7, 2)),
        ];
        assert_eq!(ask(&load(0, 1), others.into_iter()), Some(torus(2)));
        assert_eq!(ask(&load(1, 1), others.into_iter()), None);
        assert_eq!(ask(&load(0, 1), [(torus(1), load(2, 2))].into_iter()), None);
    }

    #[test]
    fn the_smallest_settled_rested_process_that_fits_is_given() {
        let big = Candidate {
            frames: 501,
            ..candidate(1)
        };
        let unsettled = Candidate {
            residual: 1,
            ..candidate(2)
        };
        let restless = Candidate {
            moves: 3,
            stayed: 4 * Candidate::REST - 1,
            ..candidate(3)
        };
        let rested = Candidate {
            moves: 3,
            stayed: 4 * Candidate::REST,
            frames: 20,
            ..candidate(4)
        };
        let (own, to) = (load(5, 1), load(0, 1));
        let give = |candidates: &[Candidate]| give(&own, &to, candidates.iter().copied());
        assert_eq!(give(&[big, unsettled, restless]), None);
        assert_eq!(give(&[big, unsettled, restless, rested]), Some(pid(4)));
        assert_eq!(give(&[rested, candidate(6), candidate(5)]), Some(pid(5)));
    }

    #[test]
    fn nothing_is_given_that_would_not_help() {
        let all = || [candidate(1)].into_iter();
        assert_eq!(give(&load(2, 2), &load(0, 1), all()), None);
        assert_eq!(give(&load(9, 2), &load(1, 1), all()), None);
    }

    #[test]
    fn rests_grow_and_end() {
        let rest = |moves| {
            Candidate {
                moves,
                ..candidate(1)
            }
            .rest()
        };
        assert_eq!(
            [0, 1, 2, 9, 4_000_000_000].map(rest),
            [0, 1, 2, 256, 256].map(|n| n * Candidate::REST)
        );
    }

    proptest! {
        /// Processes that never stop come to rest, with no core idle where another process waits.
        #[test]
        fn steady_loads_come_to_rest(
            tori in prop::collection::vec((0_u32..20, 1_u32..5), 2..6),
        ) {
            let mut loads: Vec<Load> = tori.iter().map(|(runnable, cores)| load(*runnable, *cores)).collect();
            let processes: u32 = loads.iter().map(|load| load.runnable).sum();
            let mut moves = 0;
            while let Some((from, to)) = (0..loads.len()).find_map(|to| {
                let others = (0..loads.len()).filter(|from| *from != to).map(|from| (torus(from), loads[from]));
                let from = ask(&loads[to], others)?.index();
                give(&loads[from], &loads[to], [candidate(1)].into_iter()).map(|_| (from, to))
            }) {
                loads[from].runnable -= 1;
                loads[to].runnable += 1;
                moves += 1;
                prop_assert!(moves <= processes);
            }
            let idle = loads.iter().any(|load| load.idle() > 0);
            prop_assert!(!(idle && loads.iter().any(|load| load.waiting() > 0)));
        }

        /// Loads that flicker move a process ever less often: at most about log2 of the time.
        #[test]
        fn flickering_loads_move_a_process_rarely(flicker in vec![any::<bool>(); 200]) {
            let step = 20_000_000;
            let mut process = candidate(1);
            for busy in flicker {
                process.stayed += step;
                let (own, to) = (load(if busy { 2 } else { 1 }, 1), load(0, 1));
                if give(&own, &to, [process].into_iter()).is_some() {
                    process.moves += 1;
                    process.stayed = 0;
                }
            }
            // 200 steps are 4 s: 50 ms, 100 ms, .. are used up after seven moves.
            prop_assert!(process.moves <= 7);
        }
    }
}
