//! What goes wrong in one process, beside others that go on: `beside WAY`. One process answers questions all the while.
//!
//! `deep` and `copies` do on every system what they do here; `hog` and `bomb` take all that the machine has: never on a host.

use std::hint::black_box;
use std::thread::sleep;
use std::time::Duration;

use braid_test_programs::children::{pipe, try_fork};
use braid_test_programs::memory::{ANONYMOUS, PAGE, RW, map, read, write};
use braid_test_programs::{Answer, call};
use libc as l;

const MIB: usize = 1 << 20;

fn main() {
    let way = std::env::args().nth(1).unwrap_or_default();
    let work: &dyn Fn() = match way.as_str() {
        "deep" => &deep,
        "copies" => &copies,
        "hog" => &hog,
        "bomb" => &bomb,
        _ => panic!("{way:?}: no such way"),
    };
    let friend = Friend::new();
    for round in 0..3 {
        let worker = fork(work).expect("a process");
        let mut questions = 0u64;
        let end = loop {
            questions += 1;
            let answer = friend.ask(questions);
            if answer != 2 * questions + 1 {
                break format!("wrong answer: {answer}");
            }
            if let Some(end) = ended(worker, l::WNOHANG) {
                break format!("{end}");
            }
        };
        println!("round {round}: {end}");
    }
    friend.leave();
    // Where this program is the first process, orphans are its own.
    while ended(usize::MAX, 0).is_some() {}
    println!(
        "afterwards: {:?}",
        fork(|| drop(vec![1u8; MIB])).map(|child| ended(child, 0))
    );
}

/// A process that answers.
struct Friend {
    process: usize,
    to: usize,
    from: usize,
}

impl Friend {
    fn new() -> Friend {
        let ([question, to], [from, answer]) = (pipe(), pipe());
        let process = fork(|| {
            close(to);
            while let Some(number) = receive(question) {
                send(answer, 2 * number + 1);
            }
        });
        close(question);
        close(answer);
        Friend {
            process: process.expect("a process"),
            to,
            from,
        }
    }

    fn ask(&self, question: u64) -> u64 {
        send(self.to, question);
        receive(self.from).unwrap_or(0)
    }

    fn leave(self) {
        close(self.to);
        println!("friend: {:?}", ended(self.process, 0));
    }
}

fn close(file: usize) {
    call(l::SYS_close, [file]).expect("an open file");
}

fn send(file: usize, word: u64) {
    let at = &raw const word as usize;
    assert_eq!(call(l::SYS_write, [file, at, 8]), Ok(8));
}

fn receive(file: usize) -> Option<u64> {
    let mut word = 0u64;
    let at = &raw mut word as usize;
    (call(l::SYS_read, [file, at, 8]) == Ok(8)).then_some(word)
}

/// A child that does some work, and ends well after it; or the error.
fn fork(work: impl FnOnce()) -> Answer {
    try_fork(|| {
        work();
        0
    })
}

fn exit(status: i32) -> ! {
    // SAFETY: P1.
    unsafe { l::_exit(status) }
}

/// How a child has ended, if it has: its status, or minus the signal that ended it.
fn ended(child: usize, options: i32) -> Option<i32> {
    let mut status = 0;
    let to = &raw mut status as usize;
    match call(l::SYS_wait4, [child, to, options as usize, 0]) {
        Ok(0) | Err(_) => None,
        Ok(_) if l::WIFEXITED(status) => Some(l::WEXITSTATUS(status)),
        Ok(_) => Some(-l::WTERMSIG(status)),
    }
}

/// Processes that recurse until the stack has reached its limit, at once: the default limit, and a lower one.
fn deep() {
    let recurse = |limit: Option<usize>| {
        fork(move || {
            // SAFETY: P1: Rust's handler of stack overflows would print.
            unsafe { l::signal(l::SIGSEGV, l::SIG_DFL) };
            if let Some(limit) = limit {
                let limits = [limit, limit];
                let to = limits.as_ptr() as usize;
                call(l::SYS_prlimit64, [0, l::RLIMIT_STACK as usize, to, 0]).expect("a limit");
            }
            exit((deeper(0) & 1) as i32);
        })
    };
    let limits = [None, Some(MIB), None, Some(2 * MIB)];
    let children = limits.map(recurse).map(|child| child.expect("a process"));
    let ends = children.map(|child| ended(child, 0));
    exit(if ends == [Some(-l::SIGSEGV); 4] { 3 } else { 4 });
}

#[expect(unconditional_recursion, reason = "the stack is to end")]
fn deeper(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    deeper(frame[7] + 1) + black_box(frame)[9]
}

/// Children and theirs that write to copies of a memory, at once, each its own half, and look whether the rest is as it was. Where there
/// is not memory for all of them, some are killed: none may see what is another's.
fn copies() {
    const PAGES: usize = 4 * MIB / PAGE;
    let base = map(0, PAGES * PAGE, RW, ANONYMOUS).expect("memory");
    for page in 0..PAGES {
        write(base + page * PAGE, page as u8).expect("a writable page");
    }
    let rewrite = |own: usize| {
        for page in (own % 2..PAGES).step_by(2) {
            write(base + page * PAGE, !(page as u8)).expect("a writable page");
        }
        let expected = |page| {
            if page % 2 == own % 2 {
                !(page as u8)
            } else {
                page as u8
            }
        };
        (0..PAGES).all(|page| read(base + page * PAGE) == Ok(expected(page)))
    };
    let children: Vec<usize> = (0..12)
        .filter_map(|own| {
            let work = || {
                let grandchild = fork(|| exit(if rewrite(own + 1) { 0 } else { 5 }));
                let right = rewrite(own);
                let end = grandchild.ok().and_then(|child| ended(child, 0));
                exit(if right && end != Some(5) { 0 } else { 5 });
            };
            fork(work).ok()
        })
        .collect();
    let ends: Vec<_> = children.into_iter().map(|child| ended(child, 0)).collect();
    let kept = (0..PAGES).all(|page| read(base + page * PAGE) == Ok(page as u8));
    let right = |end: &Option<i32>| matches!(end, Some(0)) || *end == Some(-l::SIGKILL);
    exit(if kept && ends.iter().all(right) { 3 } else { 4 });
}

/// Touches memory until there is none.
fn hog() {
    let hog = fork(|| {
        loop {
            let Ok(base) = map(0, 16 * MIB, RW, ANONYMOUS) else {
                exit(12)
            };
            for page in 0..16 * MIB / PAGE {
                write(base + page * PAGE, 1).expect("a writable page");
            }
        }
    });
    let end = hog.ok().and_then(|hog| ended(hog, 0));
    exit(if [Some(12), Some(-l::SIGKILL)].contains(&end) {
        3
    } else {
        4
    });
}

/// Processes that fork and fork, up to a limit of their number.
fn bomb() {
    let limits = [40usize, 40];
    let to = limits.as_ptr() as usize;
    call(l::SYS_prlimit64, [0, l::RLIMIT_NPROC as usize, to, 0]).expect("a limit");
    explode(5);
    exit(3);
}

fn explode(depth: usize) {
    for _ in 0..8 {
        if fork(|| sleep(Duration::from_millis(20))).is_err() {
            break;
        }
        if depth > 0 && fork(|| explode(depth - 1)).is_err() {
            break;
        }
    }
}
