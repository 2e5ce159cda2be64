//! More work than the cores of one torus do: ends when a process of it has been taken over by another torus.

use braid_test_programs::call;
use libc as l;

const TORUS_INFO: i64 = 4096;
const WORKERS: usize = 6;

fn main() {
    let workers: Vec<i32> = (0..WORKERS).map(|_| worker()).collect();
    let mut status = 0_i32;
    // The first that ends is one that has been taken over.
    let first = call(l::SYS_wait4, [usize::MAX, &raw mut status as usize, 0, 0]);
    println!("taken over: {}, status {status}", first.is_ok());
    for worker in workers {
        let _ = call(l::SYS_kill, [worker as usize, l::SIGKILL as usize]);
    }
    while call(l::SYS_wait4, [usize::MAX, 0, 0, 0]).is_ok() {}
    println!("all have ended");
}

/// A process that works until it is not on torus 0.
fn worker() -> i32 {
    // SAFETY: P4.
    let pid = unsafe { l::fork() };
    if pid == 0 {
        while torus() == 0 {
            std::hint::black_box((0..10_000_u64).sum::<u64>());
        }
        std::process::exit(0);
    }
    pid
}

fn torus() -> usize {
    let mut words = [0_usize; 3];
    call(TORUS_INFO, [usize::MAX, words.as_mut_ptr() as usize, 24]).expect("torus_info");
    words[2]
}
