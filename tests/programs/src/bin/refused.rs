//! Processes that move themselves and their children to a torus that mostly refuses them, because it is being drained, with signals,
//! alarms, pipes and waits among the moves. All of it has to end, and every refusal has to be told to whom it concerns.

use braid_test_programs::children::{fork, kill, pipe, wait};
use braid_test_programs::torus::{self, drain, migrate, tori};
use braid_test_programs::{call, numbers};
use libc as l;
use std::sync::atomic::{AtomicU32, Ordering};

/// The torus that refuses.
const CLOSED: usize = 1;

/// Alarms that have come.
static ALARMS: AtomicU32 = AtomicU32::new(0);

fn main() {
    let mut numbers = numbers();
    let mut number = || numbers.next().expect("refused FAMILIES ROUNDS");
    let (families, rounds) = (number(), number());
    let door = fork(open_and_close);
    let parents: Vec<usize> = (0..families)
        .map(|number| fork(|| parent(number, rounds)))
        .collect();
    for parent in parents {
        assert_eq!(wait(parent), Ok(0));
    }
    kill(door, l::SIGKILL).expect("a child");
    assert_eq!(wait(door), Ok(-l::SIGKILL));
    assert_eq!(drain(CLOSED, 1), Ok(0));
    println!("{families} families, {rounds} rounds");
}

/// Has the torus refuse processes nearly all the time.
fn open_and_close() -> i32 {
    loop {
        let _ = drain(CLOSED, 0);
        std::thread::sleep(std::time::Duration::from_millis(5));
        let _ = drain(CLOSED, 1);
    }
}

/// Sends its children there while it goes there itself, talks to one, and kills the other.
fn parent(number: usize, rounds: usize) -> i32 {
    let (ask, answer) = (pipe(), pipe());
    let echo = fork(|| echo(ask, answer, number));
    let mut restless = fork(|| restless(number));
    // The ends that echo has not got.
    for end in [ask[0], answer[1]] {
        call(l::SYS_close, [end]).expect("an end");
    }
    for round in 0..rounds {
        for child in [echo, restless] {
            told(migrate(child, target(number + round)));
        }
        moved(target(number + round + 1));
        let byte = round as u8;
        call(l::SYS_write, [ask[1], &raw const byte as usize, 1]).expect("to ask");
        assert_eq!(read(answer[0]), Some(byte));
        if round % 4 == number % 4 {
            let signal = if round % 8 < 4 {
                l::SIGKILL
            } else {
                l::SIGTERM
            };
            kill(restless, signal).expect("a child");
            told(migrate(restless, target(round)));
            assert_eq!(wait(restless), Ok(-signal));
            restless = fork(|| self::restless(number + round));
        }
    }
    kill(restless, l::SIGKILL).expect("a child");
    assert_eq!(wait(restless), Ok(-l::SIGKILL));
    call(l::SYS_close, [ask[1]]).expect("an end");
    assert_eq!(wait(echo), Ok(0));
    0
}

/// Every other time the torus that refuses.
fn target(number: usize) -> usize {
    if number.is_multiple_of(2) {
        CLOSED
    } else {
        number / 2 % tori()
    }
}

/// Goes somewhere, or stays where it is and is told so.
fn moved(to: usize) {
    let before = torus::own();
    match migrate(0, to) {
        Err(l::EAGAIN | l::ENOMEM) | Ok(_) => {}
        // Its parent, or who drains, was first.
        Err(l::EBUSY) => {}
        Err(error) => panic!("from {before} to {to}: error {error}"),
    }
}

/// A child goes somewhere, stays where it is, or has ended.
fn told(answer: Result<usize, i32>) {
    if let Err(error) = answer {
        let known = [l::EAGAIN, l::ENOMEM, l::EBUSY, l::ESRCH];
        assert!(known.contains(&error), "error {error}");
    }
}

/// Answers what it is asked, and moves in between.
fn echo(ask: [usize; 2], answer: [usize; 2], number: usize) -> i32 {
    for end in [ask[1], answer[0]] {
        call(l::SYS_close, [end]).expect("an end");
    }
    let mut asked = 0;
    while let Some(byte) = read(ask[0]) {
        call(l::SYS_write, [answer[1], &raw const byte as usize, 1]).expect("to answer");
        asked += 1;
        if asked % 3 == 0 {
            moved(target(number + asked));
        }
    }
    0
}

/// Moves with an alarm under way, waits for it, and for a child that ends elsewhere.
fn restless(number: usize) -> i32 {
    // SAFETY: P3.
    unsafe { l::signal(l::SIGALRM, count as *const () as usize) };
    for round in number.. {
        let before = ALARMS.load(Ordering::Relaxed);
        alarm_in(200 + 300 * (round % 16) as i64);
        moved(target(round));
        while ALARMS.load(Ordering::Relaxed) == before {
            std::thread::sleep(std::time::Duration::from_micros(500));
        }
        let child = fork(|| {
            moved(target(round + 1));
            7
        });
        told(migrate(child, target(round)));
        assert_eq!(wait(child), Ok(7));
    }
    0
}

/// The next byte, or none at the end.
fn read(from: usize) -> Option<u8> {
    let mut byte = 0_u8;
    let count = call(l::SYS_read, [from, &raw mut byte as usize, 1]).expect("to read");
    (count == 1).then_some(byte)
}

/// One SIGALRM in so many microseconds.
fn alarm_in(micros: i64) {
    let time = |tv_usec| l::timeval { tv_sec: 0, tv_usec };
    let once = l::itimerval {
        it_interval: time(0),
        it_value: time(micros),
    };
    // SAFETY: P2.
    unsafe { l::setitimer(l::ITIMER_REAL, &raw const once, std::ptr::null_mut()) };
}

extern "C" fn count(_: i32) {
    ALARMS.fetch_add(1, Ordering::Relaxed);
}
