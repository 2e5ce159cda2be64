//! Migration on an emulated network of tori: random schedules, and every interleaving of small cases.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use braid_tests::network::{Action, Op, Statistics, Step, World, Wrong, explore, schedule};
use torus::TorusId;
use vm::addr::Page;

/// Schedules of the test; `BRAID_SCHEDULES` sets another number and `BRAID_SEED` the first seed.
const SCHEDULES: u64 = 100_000;

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

/// Runs a schedule; a panic in it is a fault too.
fn run(seed: u64) -> Result<Statistics, Wrong> {
    panic::catch_unwind(AssertUnwindSafe(|| schedule(seed)))
        .unwrap_or_else(|_| Err(Wrong("it panicked".into())))
}

#[test]
fn random_schedules_lose_nothing() {
    let first = setting("BRAID_SEED", 1);
    let end = first + setting("BRAID_SCHEDULES", SCHEDULES);
    let next = AtomicU64::new(first);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let mut sum = Statistics::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return sum;
            }
            match run(seed) {
                Ok(statistics) => sum.add(&statistics),
                Err(Wrong(fault)) => panic!("BRAID_SEED={seed} BRAID_SCHEDULES=1: {fault}"),
            }
        }
    };
    let mut sum = Statistics::default();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            sum.add(&worker.join().expect("a schedule failed; its seed is above"));
        }
    });
    println!("{} schedules: {sum:?}", end - first);
    if end - first >= SCHEDULES {
        let rare = [sum.refused, sum.failed_forks, sum.kills, sum.leased];
        assert!(
            rare.iter().all(|count| *count > 100),
            "{sum:?}: the schedules meet too little"
        );
    }
}

fn torus(index: usize) -> TorusId {
    TorusId::new(index).expect("a torus")
}

/// Two tori and one process.
fn small() -> World {
    let mut world = World::new(&[12, 12]);
    populate(&mut world);
    world
}

/// Makes a process on torus 0 with three pages, of which two are neighbours.
fn populate(world: &mut World) {
    let pid = world.spawn(torus(0)).expect("an id").expect("a frame");
    for page in [1, 2, 900] {
        let op = Op::Map(Page(page));
        world
            .apply(Action::Op {
                at: torus(0),
                pid,
                op,
            })
            .expect("a frame");
    }
}

/// Explores a case in which the first step is a migration from torus 0 to torus 1.
fn explore_all(world: &World, steps: &[Step]) {
    let mut all = vec![Step::Op(Op::Migrate(torus(1)))];
    all.extend(steps);
    match explore(world, &all) {
        Ok(explored) => {
            println!("{all:?}: {explored:?}");
            assert!(explored.ends > 0);
        }
        Err((path, Wrong(fault))) => panic!("{fault}\nafter {path:#?}"),
    }
}

const BACK: Step = Step::Op(Op::Migrate(TorusId::ZERO));
const DRAIN: Step = Step::Op(Op::Drain);
const FORK: Step = Step::Op(Op::Fork);
const KILL: Step = Step::Kill(TorusId::ZERO);

const fn write(page: u64) -> Step {
    Step::Op(Op::Write(Page(page)))
}

#[test]
fn every_interleaving_with_touches_and_munmap() {
    explore_all(
        &small(),
        &[
            write(1),
            Step::Op(Op::Read(Page(900))),
            Step::Op(Op::Unmap(Page(1), 2)),
            DRAIN,
        ],
    );
}

#[test]
fn every_interleaving_with_a_kill() {
    explore_all(&small(), &[write(2), BACK, DRAIN, KILL]);
}

#[test]
fn every_interleaving_with_exec_and_exit() {
    explore_all(
        &small(),
        &[write(2), Step::Op(Op::Exec), DRAIN, Step::Op(Op::Exit)],
    );
}

#[test]
fn every_interleaving_with_a_fork_and_a_way_back() {
    explore_all(&small(), &[FORK, write(1), BACK, KILL]);
}

#[test]
fn every_interleaving_with_swap() {
    explore_all(
        &small(),
        &[Step::SwapOut(torus(0)), write(1), BACK, write(900)],
    );
}

#[test]
fn every_interleaving_with_a_lease() {
    let mut world = small();
    let (at, pid) = world.running()[0];
    world
        .apply(Action::Op {
            at,
            pid,
            op: Op::MapShared(Page(50)),
        })
        .expect("a frame");
    explore_all(&world, &[FORK, write(50), write(50), BACK]);
}

#[test]
fn every_interleaving_with_a_refusal() {
    explore_all(&small(), &[Step::Refuse(torus(1)), write(1), FORK, KILL]);
}

#[test]
fn every_interleaving_of_three_tori() {
    let mut world = World::new(&[12, 3, 12]);
    populate(&mut world);
    explore_all(
        &world,
        &[Step::Op(Op::Migrate(torus(2))), FORK, write(1), KILL],
    );
}

#[test]
fn every_interleaving_without_memory_at_the_target() {
    let mut world = World::new(&[12, 2]);
    populate(&mut world);
    explore_all(&world, &[write(1), write(900), BACK]);
}
