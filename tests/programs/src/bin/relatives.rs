//! Families whose members move between tori all the time: waits, signals, groups, stops and orphans are as if nobody moved. On
//! Linux nobody does.

use braid_test_programs::call;
use braid_test_programs::children::{fork, kill};
use braid_test_programs::torus::{migrate, tori};
use libc as l;

fn main() {
    let tori = tori();
    ends(tori);
    kills(tori);
    groups(tori);
    stops(tori);
    orphans(tori);
}

/// Goes to another torus, if it is possible now.
fn move_to(torus: usize) {
    let _ = migrate(0, torus);
}

/// Goes round all tori for ever.
fn wander(tori: usize, start: usize) -> i32 {
    for torus in (0..tori).cycle().skip(start) {
        move_to(torus);
        std::thread::yield_now();
    }
    0
}

/// Children end elsewhere; the parent moves while it waits.
fn ends(tori: usize) {
    const CHILDREN: i32 = 24;
    for number in 0..CHILDREN {
        fork(|| {
            for step in 0..number as usize {
                move_to(step % tori);
            }
            number
        });
    }
    let mut sum = 0;
    for number in 0..CHILDREN as usize {
        move_to(number % tori);
        let (_, status) = wait(usize::MAX, 0).expect("a child");
        sum += status >> 8;
    }
    println!("{CHILDREN} ends, sum of statuses {sum}");
    println!("no more: {:?}", wait(usize::MAX, 0).err());
}

/// Children are killed wherever they are.
fn kills(tori: usize) {
    let children: Vec<usize> = (0..8).map(|n| fork(|| wander(tori, n))).collect();
    for (number, &child) in children.iter().enumerate() {
        move_to(number % tori);
        println!("exists: {:?}", kill(child, 0));
        println!("kill: {:?}", kill(child, l::SIGTERM));
        let (waited, status) = wait(child, 0).expect("the child");
        println!("killed: {}, by {}", waited == child, status & 0x7f);
        println!("is no more: {:?}", kill(child, 0));
    }
}

/// A group that wanders is killed as one.
fn groups(tori: usize) {
    let children: Vec<usize> = (0..8).map(|n| fork(|| wander(tori, n))).collect();
    let leader = children[0];
    for &child in &children {
        let set = call(l::SYS_setpgid, [child, leader]);
        let group = call(l::SYS_getpgid, [child]);
        println!("into the group: {set:?}, {}", group == Ok(leader));
    }
    println!(
        "kill the group: {:?}",
        kill(leader.wrapping_neg(), l::SIGKILL)
    );
    for _ in &children {
        let (_, status) = wait(leader.wrapping_neg(), 0).expect("one of the group");
        println!("killed by {}", status & 0x7f);
    }
    println!("the group is no more: {:?}", kill(leader.wrapping_neg(), 0));
}

/// A wanderer is stopped and goes on, and its parent hears of both.
fn stops(tori: usize) {
    let child = fork(|| wander(tori, 1));
    for round in 0..4 {
        move_to(round % tori);
        println!("stop: {:?}", kill(child, l::SIGSTOP));
        let (_, status) = wait(child, l::WUNTRACED).expect("the child");
        println!("stopped: {status:#x}");
        println!("go on: {:?}", kill(child, l::SIGCONT));
        let (_, status) = wait(child, l::WCONTINUED).expect("the child");
        println!("goes on: {status:#x}");
    }
    println!("kill: {:?}", kill(child, l::SIGKILL));
    let (_, status) = wait(child, 0).expect("the child");
    println!("killed by {}", status & 0x7f);
}

/// Grandchildren whose parents have ended go to the first process, which this is on Braid.
fn orphans(tori: usize) {
    const COUNT: usize = 6;
    for number in 0..COUNT {
        let middle = fork(|| {
            move_to((number + 1) % tori);
            let parent = pid();
            fork(|| {
                for step in 0.. {
                    if parent_pid() != parent {
                        break;
                    }
                    move_to(step % tori);
                    std::thread::yield_now();
                }
                0
            });
            0
        });
        println!("between: {:?}", wait(middle, 0).map(|(_, status)| status));
    }
    if pid() == 1 {
        for _ in 0..COUNT {
            let (_, status) = wait(usize::MAX, 0).expect("an orphan");
            assert_eq!(status, 0);
        }
    }
    println!("all are gone");
}

/// Waits for a child; answers which, and its wait status.
fn wait(pid: usize, options: i32) -> Result<(usize, i32), i32> {
    let mut status = 0_i32;
    let arguments = [pid, &raw mut status as usize, options as usize, 0];
    call(l::SYS_wait4, arguments).map(|pid| (pid, status))
}

fn pid() -> usize {
    call(l::SYS_getpid, []).expect("getpid")
}

fn parent_pid() -> usize {
    call(l::SYS_getppid, []).expect("getppid")
}
