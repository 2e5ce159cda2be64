//! Signals, groups, ends and waits between processes of different tori. It is the first process of every torus: on the others
//! it answers what torus 0 sends, on torus 0 it asks and says what came.

use braid_test_programs::children::{fork, kill, wait};
use braid_test_programs::torus;
use braid_test_programs::{Answer, call, error_name};
use libc as l;
use std::collections::BTreeSet;

/// Queued signals: a question, and what is answered to it.
const ASK: i32 = 36;
const TELL: i32 = 37;
/// Bits of a process id below the torus of its birth.
const SERIAL: usize = 22;

fn main() {
    block();
    let own = torus::own();
    if own == 0 {
        asks(
            (1..torus::tori())
                .map(|torus| torus << SERIAL | 1)
                .collect(),
        );
    } else {
        answers(own);
    }
}

/// Torus 0's part; `first` are the first processes of the others.
fn asks(first: Vec<usize>) {
    // The others begin when they see process 2.
    let second = fork(pause);
    assert_eq!(second, 2);
    let members: BTreeSet<usize> = tells(2 * first.len());
    println!(
        "all have begun: {}",
        first.iter().all(|pid| members.contains(pid))
    );
    for &pid in &first {
        let torus = pid >> SERIAL;
        println!(
            "torus {torus}: group {}",
            call(l::SYS_getpgid, [pid]) == Ok(pid)
        );
        println!(
            "torus {torus}: session {}",
            call(l::SYS_getsid, [pid]) == Ok(pid)
        );
        show(torus, "exists", kill(pid, 0));
        show(torus, "thread exists", call(l::SYS_tgkill, [pid, pid, 0]));
        show(torus, "absent", kill(pid + 1000, 0));
        show(torus, "group of absent", call(l::SYS_getpgid, [pid + 1000]));
        show(torus, "into my group", call(l::SYS_setpgid, [pid, 1]));
        show(torus, "ask one", kill(pid, ASK));
        println!(
            "torus {torus}: told by {}",
            tells(1) == BTreeSet::from([pid])
        );
        show(torus, "ask its group", kill(pid.wrapping_neg(), ASK));
        let group = tells(2);
        println!("torus {torus}: told by {} of it", group.is_subset(&members));
        show(
            torus,
            "ask an absent group",
            kill((pid + 1000).wrapping_neg(), ASK),
        );
    }
    show(0, "ask everybody", kill(usize::MAX, ASK));
    println!("told by all: {}", tells(members.len()) == members);
    orphans(first.len());
    for pid in first {
        show(
            pid >> SERIAL,
            "kill its group",
            kill(pid.wrapping_neg(), l::SIGKILL),
        );
    }
    for pid in members {
        // A process that loses its parent becomes a zombie of this process.
        while kill(pid, 0).is_ok() {
            let _ = call(l::SYS_wait4, [usize::MAX, 0, l::WNOHANG as usize, 0]);
        }
    }
    println!("nobody is left");
}

/// Collects as many orphans of other tori, and says how they ended.
fn orphans(count: usize) {
    for _ in 0..count {
        let mut status = 0_i32;
        let pid = call(l::SYS_wait4, [usize::MAX, &raw mut status as usize, 0, 0]);
        let far = pid.expect("an orphan") >> SERIAL > 0;
        println!("an orphan from afar: {far}, status {}", status >> 8);
    }
}

/// The other tori's part: two processes that answer, and one whose parent ends.
fn answers(own: usize) {
    while kill(2, 0).is_err() {
        std::thread::yield_now();
    }
    let middle = fork(|| {
        let parent = own_pid();
        fork(|| {
            while parent_pid() == parent {
                std::thread::yield_now();
            }
            i32::try_from(parent_pid()).unwrap_or(0) + 6
        });
        0
    });
    assert_eq!(wait(middle), Ok(0), "torus {own}");
    fork(tell_forever);
    tell_forever();
}

fn tell_forever() -> i32 {
    let _ = kill(1, TELL);
    loop {
        let asker = await_signal(ASK);
        let _ = kill(asker, TELL);
    }
}

/// The senders of so many signals.
fn tells(count: usize) -> BTreeSet<usize> {
    (0..count).map(|_| await_signal(TELL)).collect()
}

fn show(torus: usize, name: &str, answer: Answer) {
    let text = answer.map_or_else(error_name, |value| value.to_string());
    println!("torus {torus}: {name} {text}");
}

fn own_pid() -> usize {
    call(l::SYS_getpid, []).expect("getpid")
}

fn parent_pid() -> usize {
    call(l::SYS_getppid, []).expect("getppid")
}

fn set(signals: &[i32]) -> u64 {
    signals
        .iter()
        .fold(0, |set, signal| set | 1 << (signal - 1))
}

/// Holds both signals back, for [`await_signal`].
fn block() {
    let set = set(&[ASK, TELL]);
    call(l::SYS_rt_sigprocmask, [0, &raw const set as usize, 0, 8]).expect("sigprocmask");
}

/// Waits for a signal and answers who sent it.
fn await_signal(signal: i32) -> usize {
    let set = set(&[signal]);
    let mut info = [0_u32; 32];
    let arguments = [&raw const set as usize, info.as_mut_ptr() as usize, 0, 8];
    while call(l::SYS_rt_sigtimedwait, arguments).is_err() {}
    info[4] as usize
}

fn pause() -> i32 {
    let _ = call(l::SYS_pause, []);
    0
}
