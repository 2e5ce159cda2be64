//! Every interleaving of a small case.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use torus::TorusId;

use super::{Action, Op, Statistics, World, Wrong};

/// Something that happens once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A process does this.
    Op(Op),
    /// Someone on this torus sends SIGKILL to a process.
    Kill(TorusId),
    /// This torus swaps out the first page that it may.
    SwapOut(TorusId),
    /// This torus takes no processes from now on.
    Refuse(TorusId),
}

/// How much was explored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Explored {
    /// Different states that were met.
    pub states: usize,
    /// Those where no message was under way: from each the world was settled, checked and ended.
    pub ends: usize,
}

/// Takes each of `steps` once, by any process, at every possible moment, and delivers messages in every legal
/// order in between; checks every state.
///
/// # Errors
/// The actions that led to the first fault, and the fault.
pub fn explore(world: &World, steps: &[Step]) -> Result<Explored, (Vec<Action>, Wrong)> {
    let mut search = Search {
        steps,
        met: HashSet::new(),
        path: Vec::new(),
        explored: Explored::default(),
    };
    match search.visit(world.clone(), 0) {
        Ok(()) => Ok(search.explored),
        Err(wrong) => Err((search.path, wrong)),
    }
}

impl Step {
    /// The ways in which it can happen now.
    fn actions(self, world: &World) -> Vec<Action> {
        match self {
            Self::Op(op) => {
                let running = world.running().into_iter();
                running
                    .map(|(at, pid)| Action::Op { at, pid, op })
                    .collect()
            }
            Self::Kill(from) => world
                .memory
                .keys()
                .map(|pid| Action::Kill { from, pid: *pid })
                .collect(),
            Self::SwapOut(at) => vec![Action::SwapOut { at, index: 0 }],
            Self::Refuse(at) => vec![Action::Refuse { at, refuses: true }],
        }
    }
}

struct Search<'a> {
    steps: &'a [Step],
    /// Hashes of the states met, with the steps taken.
    met: HashSet<u64>,
    path: Vec<Action>,
    explored: Explored,
}

impl Search<'_> {
    fn visit(&mut self, mut world: World, taken: u64) -> Result<(), Wrong> {
        world.statistics = Statistics::default();
        let mut hasher = DefaultHasher::new();
        (&world, taken).hash(&mut hasher);
        if !self.met.insert(hasher.finish()) {
            return Ok(());
        }
        self.explored.states += 1;
        world.check()?;
        if world.wires.is_empty() {
            self.explored.ends += 1;
            let mut end = world.clone();
            end.settle()?;
            end.finish()?;
        }
        for (from, to) in world.busy_wires() {
            self.go(&world, Action::Deliver { from, to }, taken)?;
        }
        for at in world
            .tori()
            .iter()
            .filter(|torus| !torus.reads.is_empty())
            .map(|torus| torus.id)
        {
            self.go(
                &world,
                Action::ReadDone {
                    at,
                    index: 0,
                    good: true,
                },
                taken,
            )?;
        }
        for (number, step) in self.steps.iter().enumerate() {
            if taken >> number & 1 == 0 {
                for action in step.actions(&world) {
                    self.go(&world, action, taken | 1 << number)?;
                }
            }
        }
        Ok(())
    }

    fn go(&mut self, world: &World, action: Action, taken: u64) -> Result<(), Wrong> {
        self.path.push(action);
        let mut next = world.clone();
        next.apply(action)?;
        self.visit(next, taken)?;
        self.path.pop();
        Ok(())
    }
}
