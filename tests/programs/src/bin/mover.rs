//! Runs a program as a child, and moves it to other tori at random moments for as long as it lives: `mover SEED PROGRAM ARGUMENT..`.
//! Ends as the child does. Where nothing can be moved the program just runs.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use braid_test_programs::call;
use braid_test_programs::children::fork;
use braid_test_programs::torus::{migrate, tori};
use libc as l;

/// The longest time between two moves, in microseconds.
const PAUSE: u64 = 20_000;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [seed, program, arguments @ ..] = &words[..] else {
        panic!("mover SEED PROGRAM ARGUMENT..")
    };
    let mut state = seed.parse::<u64>().expect("a number") | 1;
    // Small, and the same everywhere (xorshift64, Marsaglia 2003).
    let mut below = |bound: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % bound
    };
    let child = fork(|| {
        panic!(
            "{program}: {}",
            Command::new(program).args(arguments).exec()
        )
    });
    let status = loop {
        if let Some(status) = ended(child) {
            break status;
        }
        let torus = below(tori() as u64) as usize;
        match migrate(child, torus) {
            // It has moved, is on its way, has ended, or can go nowhere.
            Ok(_) | Err(l::EBUSY | l::ESRCH | l::ENOSYS) => {}
            Err(error) => panic!("migrate: {}", braid_test_programs::error_name(error)),
        }
        std::thread::sleep(Duration::from_micros(below(PAUSE)));
    };
    let signal = status.signal().map(|signal| 128 + signal);
    std::process::exit(status.code().or(signal).expect("it has ended"));
}

/// How a child ended, if it has.
fn ended(child: usize) -> Option<ExitStatus> {
    let mut status = 0;
    let arguments = [child, &raw mut status as usize, l::WNOHANG as usize, 0];
    let answer = call(l::SYS_wait4, arguments).expect("a child");
    (answer == child).then(|| ExitStatus::from_raw(status))
}
