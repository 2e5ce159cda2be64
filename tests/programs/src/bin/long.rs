//! Long calls leave others their turns: while this process populates, locks and fills much memory, a child that sleeps for a
//! millisecond at a time gets on.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::sleep;
use std::time::Duration;

use braid_test_programs::children::{fork, kill, wait};
use braid_test_programs::memory::{ANONYMOUS, PAGE, RW, map, unmap};
use braid_test_programs::{call, text};
use libc as l;

const LENGTH: usize = 256 << 20;

fn main() {
    let turns = map(0, PAGE, RW, l::MAP_SHARED | l::MAP_ANONYMOUS).expect("memory");
    // SAFETY: P2, zeros are an atomic zero.
    let turns = unsafe { &*(turns as *const AtomicU64) };
    let child = fork(|| {
        loop {
            sleep(Duration::from_millis(1));
            turns.fetch_add(1, Relaxed);
        }
    });
    while turns.load(Relaxed) == 0 {
        std::thread::yield_now();
    }
    let during = |name: &str, work: &mut dyn FnMut()| {
        let before = turns.load(Relaxed);
        work();
        let turns = turns.load(Relaxed) - before;
        println!("{name}: {}", turns >= 3);
        eprintln!("{name}: {turns} turns");
    };
    let mut base = 0;
    during("populate", &mut || {
        base = map(0, LENGTH, RW, ANONYMOUS | l::MAP_POPULATE).expect("memory");
    });
    let zeros = text("/dev/zero");
    // SAFETY: P1.
    let zeros = unsafe { l::open(zeros.as_ptr(), l::O_RDONLY) } as usize;
    during("read", &mut || {
        assert_eq!(call(l::SYS_read, [zeros, base, LENGTH]), Ok(LENGTH));
    });
    unmap(base, LENGTH).expect("to unmap");
    let base = map(0, LENGTH, RW, ANONYMOUS).expect("memory");
    let unlimited = [l::RLIM_INFINITY; 2];
    let _ = call(
        l::SYS_prlimit64,
        [
            0,
            l::RLIMIT_MEMLOCK as usize,
            unlimited.as_ptr() as usize,
            0,
        ],
    );
    during("mlock", &mut || {
        call(l::SYS_mlock, [base, LENGTH]).expect("room");
    });
    kill(child, l::SIGKILL).expect("a child");
    wait(child).expect("a child");
}
