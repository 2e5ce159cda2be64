//! Ends while children of it live on another torus: more than can end there at once.

use braid_test_programs::children::fork;
use braid_test_programs::torus::{PROCESSES, info_of, move_to, tori};

const CHILDREN: u64 = 40;

fn main() {
    let there = tori() - 1;
    for _ in 0..CHILDREN {
        fork(|| {
            move_to(there);
            loop {
                std::thread::park();
            }
        });
    }
    while info_of(there, PROCESSES) < CHILDREN {
        std::thread::yield_now();
    }
}
