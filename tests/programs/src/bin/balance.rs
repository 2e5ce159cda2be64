//! More work than the cores of one torus do: ends when a process of it has been taken over by another torus; with the argument
//! `steady` when all have worked for a second, wherever they are.

use braid_test_programs::children::{fork, kill, wait};
use braid_test_programs::torus;
use libc as l;

const WORKERS: usize = 6;

fn main() {
    let steady = std::env::args().nth(1).as_deref() == Some("steady");
    let workers: Vec<usize> = (0..WORKERS).map(|_| worker(steady)).collect();
    if steady {
        std::thread::sleep(std::time::Duration::from_secs(1));
    } else {
        // The first that ends is one that has been taken over.
        let first = wait(usize::MAX);
        println!("taken over: {first:?}");
    }
    for worker in workers {
        let _ = kill(worker, l::SIGKILL);
    }
    while wait(usize::MAX).is_ok() {}
    println!("all have ended");
}

/// A process that works until it is not on torus 0, or for ever.
fn worker(forever: bool) -> usize {
    fork(|| {
        while forever || torus::own() == 0 {
            std::hint::black_box((0..10_000_u64).sum::<u64>());
        }
        0
    })
}
