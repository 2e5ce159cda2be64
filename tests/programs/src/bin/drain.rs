//! Processes of another torus that work, fork and end while that torus is drained: afterwards nobody is there, and nobody
//! can go there. One that does not leave holds it up until a signal ends the wait. At last this one drains its own torus.

use braid_test_programs::children::{fork, kill, wait};
use braid_test_programs::torus::{self, CORES, PROCESSES, drain, info_of, migrate};
use braid_test_programs::{call, show};
use libc as l;
use std::sync::atomic::{AtomicU64, Ordering};

/// Written by workers all the time.
static WORK: AtomicU64 = AtomicU64::new(0);

fn main() {
    // More than there are cores, so that none of them idles.
    let workers: Vec<usize> = (0..3 * info_of(1, CORES))
        .map(|number| fork(|| work(number)))
        .collect();
    wait_until(|there| there >= workers.len() as u64);
    for round in 0..3 {
        show(&format!("drain {round}"), drain(1, 0));
        show("I go there", migrate(0, 1));
        // Those who have left collect their zombies.
        wait_until(|there| there == 0);
        show("again", drain(1, 0));
        show("processes may come again", drain(1, 1));
        for &worker in &workers {
            let _ = kill(worker, l::SIGUSR1);
        }
        wait_until(|there| there > 0);
    }
    for &worker in &workers {
        let _ = kill(worker, l::SIGKILL);
    }
    while wait(usize::MAX).is_ok() {}
    show("no such torus", drain(99, 0));
    show("no such flag", drain(1, 2));
    held_up();
    show("my own torus", drain(0, 0));
    println!("I am on torus {}", torus::own());
}

/// Waits until torus 1 has as many processes as wanted.
fn wait_until(wanted: impl Fn(u64) -> bool) {
    while !wanted(info_of(1, PROCESSES)) {
        std::thread::yield_now();
    }
}

/// Goes to torus 1 at first and with every SIGUSR1; works and forks all the time.
fn work(number: u64) -> i32 {
    // SAFETY: P3.
    unsafe { l::signal(l::SIGUSR1, go as *const () as usize) };
    go(0);
    loop {
        let sum = (0..5000_u64).fold(number, |sum, term| sum ^ term.wrapping_mul(sum | 1));
        WORK.store(sum, Ordering::Relaxed);
        assert_eq!(wait(fork(|| 7)), Ok(7));
    }
}

/// A process that is stopped does not leave.
fn held_up() {
    let child = fork(|| {
        go(0);
        let _ = kill(std::process::id() as usize, l::SIGSTOP);
        9
    });
    let _ = call(l::SYS_wait4, [child, 0, l::WUNTRACED as usize, 0]);
    let once = l::itimerval {
        it_interval: l::timeval {
            tv_sec: 0,
            tv_usec: 0,
        },
        it_value: l::timeval {
            tv_sec: 2,
            tv_usec: 0,
        },
    };
    // SAFETY: P2 and P3. Without SA_RESTART the handler ends the call.
    unsafe {
        let mut action: l::sigaction = std::mem::zeroed();
        action.sa_sigaction = ignore as *const () as usize;
        l::sigaction(l::SIGALRM, &raw const action, std::ptr::null_mut());
        l::setitimer(l::ITIMER_REAL, &raw const once, std::ptr::null_mut());
    }
    show("held up", drain(1, 0));
    println!("it is still there: {}", info_of(1, PROCESSES) == 1);
    let _ = kill(child, l::SIGCONT);
    show("no longer held up", drain(1, 0));
    println!("it ends with {:?}", wait(child));
    show("processes may come again", drain(1, 1));
}

extern "C" fn ignore(_: i32) {}

extern "C" fn go(_: i32) {
    let _ = migrate(0, 1);
}
