//! Random legal schedules from a seed.

use torus::{TorusId, pid::Pid};
use vm::addr::Page;

use super::{Action, Op, World, Wrong};

/// What happened in a world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Statistics {
    /// Messages sent.
    pub messages: u64,
    /// Touches of remote pages.
    pub faults: u64,
    /// Pages copied from their homes.
    pub copied: u64,
    /// Pages mapped at their homes.
    pub leased: u64,
    /// Processes taken over.
    pub migrations: u64,
    /// Processes not taken over.
    pub refused: u64,
    /// Children made.
    pub forks: u64,
    /// Forks undone because a home had no memory.
    pub failed_forks: u64,
    /// Processes that ended.
    pub ends: u64,
    /// Among them, those for want of memory or for a lost page.
    pub kills: u64,
}

impl Statistics {
    /// Adds those of another world.
    pub fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.faults += other.faults;
        self.copied += other.copied;
        self.leased += other.leased;
        self.migrations += other.migrations;
        self.refused += other.refused;
        self.forks += other.forks;
        self.failed_forks += other.failed_forks;
        self.ends += other.ends;
        self.kills += other.kills;
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same on every machine.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The sequence of `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number less than `bound`, which is not 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % bound
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        if from.is_empty() {
            None
        } else {
            Some(from[self.below(from.len() as u64) as usize])
        }
    }

    fn torus(&mut self, world: &World) -> TorusId {
        world.tori()[self.below(world.tori().len() as u64) as usize].id
    }
}

/// Runs one random schedule, lets the world settle, checks it, ends everything and checks that nothing is left.
///
/// # Errors
/// [`Wrong`], which the seed reproduces.
pub fn schedule(seed: u64) -> Result<Statistics, Wrong> {
    let mut rng = Rng::new(seed);
    let tori = 2 + rng.below(3);
    let frames: Vec<usize> = (0..tori).map(|_| 4 + rng.below(24) as usize).collect();
    let mut world = World::new(&frames);
    let mut pids = Vec::new();
    for _ in 0..1 + rng.below(3) {
        let at = rng.torus(&world);
        if let Some(pid) = world.spawn(at)? {
            pids.push(pid);
            for _ in 0..rng.below(8) {
                let op = Op::Map(page(&mut rng));
                world.apply(Action::Op { at, pid, op })?;
            }
        }
    }
    for _ in 0..20 + rng.below(80) {
        let action = choose(&mut rng, &world, &pids);
        world.apply(action)?;
    }
    world.check()?;
    for at in TorusId::first(tori as usize) {
        world.apply(Action::Refuse { at, refuses: false })?;
    }
    world.settle()?;
    world.finish()?;
    Ok(*world.statistics())
}

/// Pages near each other, and a few far away.
const fn page(rng: &mut Rng) -> Page {
    if rng.below(4) == 0 {
        Page(1000 + rng.below(4) * 100)
    } else {
        Page(rng.below(20))
    }
}

fn choose(rng: &mut Rng, world: &World, pids: &[Pid]) -> Action {
    let wires: Vec<_> = world.busy_wires().collect();
    match rng.below(100) {
        0..50 => {
            if let Some((from, to)) = rng.pick(&wires) {
                return Action::Deliver { from, to };
            }
        }
        50..54 => {
            let (at, index) = (rng.torus(world), rng.below(100) as usize);
            return Action::ReadDone {
                at,
                index,
                good: rng.below(20) > 0,
            };
        }
        54..58 => {
            return Action::SwapOut {
                at: rng.torus(world),
                index: rng.below(100) as usize,
            };
        }
        58..60 => {
            if let Some(pid) = rng.pick(pids) {
                return Action::Kill {
                    from: rng.torus(world),
                    pid,
                };
            }
        }
        60..61 => {
            return Action::Refuse {
                at: rng.torus(world),
                refuses: rng.below(2) == 0,
            };
        }
        _ => {}
    }
    match rng.pick(&world.running()) {
        Some((at, pid)) => Action::Op {
            at,
            pid,
            op: op(rng, world, at, pid),
        },
        None => match rng.pick(&wires) {
            Some((from, to)) => Action::Deliver { from, to },
            None => Action::SwapOut {
                at: rng.torus(world),
                index: 0,
            },
        },
    }
}

fn op(rng: &mut Rng, world: &World, at: TorusId, pid: Pid) -> Op {
    let process = &world.tori()[at.index()].processes[&pid];
    let mapped = process.memory.iter().flat_map(|m| m.mapped.keys());
    let mapped: Vec<Page> = mapped.copied().collect();
    let own = rng.pick(&mapped).unwrap_or_default();
    match rng.below(100) {
        0..22 => Op::Read(own),
        22..44 => Op::Write(own),
        44..46 => Op::LeaveOut(own),
        46..53 => Op::Map(page(rng)),
        53..56 => Op::MapShared(page(rng)),
        56..65 => Op::Unmap(own, 1 + rng.below(8)),
        65..71 => Op::Fork,
        71..72 => Op::Exec,
        72..74 => Op::Exit,
        74..92 => Op::Migrate(rng.torus(world)),
        _ => Op::Drain,
    }
}
