//! Locks of a file in /tmp, as processes and open files see them: fcntl with F_SETLK and kin, flock. `locks PARENT CHILDREN` says on which
//! tori these are.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::sleep;
use std::time::Duration;

use braid_test_programs::children::{self, in_child, kill, pipe, wait};
use braid_test_programs::torus::move_to;
use braid_test_programs::{Answer, call, numbers, show, text};
use libc as l;

/// Not in libc for every target.
const F_OFD_SETLK: i32 = 37;

/// The torus that children go to.
static ELSEWHERE: AtomicUsize = AtomicUsize::new(0);

fn main() {
    let mut tori = numbers();
    move_to(tori.next().unwrap_or(0));
    ELSEWHERE.store(tori.next().unwrap_or(0), Relaxed);
    let path = format!("/tmp/locks-{}", std::process::id());
    std::fs::write(&path, [b'x'; 100]).expect("a file in /tmp");
    records(&path);
    a_close_lets_go(&path);
    waiting(&path);
    open_files(&path);
    ends(&path);
    moves(&path);
    deadlocks(&path);
    std::fs::remove_file(&path).expect("to remove it");
}

fn open(path: &str, flags: i32) -> usize {
    let path = text(path);
    call(l::SYS_open, [path.as_ptr() as usize, flags as usize]).expect("the file")
}

fn close(file: usize) {
    call(l::SYS_close, [file]).expect("to close");
}

fn record(file: usize, command: i32, kind: i32, start: i64, len: i64) -> (Answer, l::flock) {
    let mut lock = l::flock {
        l_type: kind as i16,
        l_whence: 0,
        l_start: start,
        l_len: len,
        l_pid: 0,
    };
    let arguments = [file, command as usize, &raw mut lock as usize];
    (call(l::SYS_fcntl, arguments), lock)
}

fn set(file: usize, kind: i32, start: i64, len: i64) -> Answer {
    record(file, l::F_SETLK, kind, start, len).0
}

fn by_another(work: impl FnOnce()) {
    let there = || {
        move_to(ELSEWHERE.load(Relaxed));
        work();
    };
    in_child(there).expect("a child");
}

/// A child elsewhere.
fn fork(work: impl FnOnce() -> i32) -> usize {
    children::fork(|| {
        move_to(ELSEWHERE.load(Relaxed));
        work()
    })
}

/// A child that has set or let go a lock, and stays.
fn fork_and_stay(first: impl FnOnce()) -> usize {
    let [from, to] = pipe();
    let child = fork(|| {
        first();
        call(l::SYS_write, [to, c"x".as_ptr() as usize, 1]).expect("a reader");
        loop {
            sleep(Duration::from_secs(1000));
        }
    });
    let mut byte = 0u8;
    call(l::SYS_read, [from, &raw mut byte as usize, 1]).expect("a writer");
    close(from);
    close(to);
    child
}

fn records(path: &str) {
    let file = open(path, l::O_RDWR);
    show("write, 10 bytes", set(file, l::F_WRLCK, 0, 10));
    show("read, 10 more", set(file, l::F_RDLCK, 10, 10));
    let parent = std::process::id();
    by_another(|| {
        let get = |name: &str, kind, start, len| {
            let (answer, held) = record(file, l::F_GETLK, kind, start, len);
            let whose = held.l_pid.cast_unsigned() == parent;
            let (kind, start, len) = (held.l_type, held.l_start, held.l_len);
            println!("{name}: {answer:?} {kind} {start} {len} {whose}");
        };
        get("for reading", l::F_RDLCK, 5, 100);
        get("for writing", l::F_WRLCK, 15, 1);
        get("free", l::F_WRLCK, 20, 0);
        show("child, in the way", set(file, l::F_WRLCK, 5, 1));
        show("child, shared", set(file, l::F_RDLCK, 12, 4));
        show("child, free", set(file, l::F_WRLCK, 20, 0));
        show("child, not its own", set(file, l::F_UNLCK, 0, 5));
    });
    show("after the child", set(file, l::F_WRLCK, 0, 0));
    show("a hole", set(file, l::F_UNLCK, 40, -10));
    by_another(|| {
        show("child, before the hole", set(file, l::F_WRLCK, 29, 1));
        show("child, the hole", set(file, l::F_WRLCK, 30, 10));
        show("child, after the hole", set(file, l::F_WRLCK, 40, 1));
    });
    show("negative start", set(file, l::F_WRLCK, -1, 1));
    show("unknown kind", set(file, 7, 0, 1));
    close(file);
    let reader = open(path, l::O_RDONLY);
    show("to write, opened to read", set(reader, l::F_WRLCK, 0, 1));
    show("to read", set(reader, l::F_RDLCK, 0, 1));
    close(reader);
}

/// Closing any descriptor of the file lets go all of the process's records.
fn a_close_lets_go(path: &str) {
    let (file, other) = (open(path, l::O_RDWR), open(path, l::O_RDONLY));
    show("held", set(file, l::F_WRLCK, 0, 0));
    by_another(|| close(other));
    by_another(|| show("a child's close", set(file, l::F_WRLCK, 0, 1)));
    close(other);
    by_another(|| show("an own close", set(file, l::F_WRLCK, 0, 1)));
    close(file);
}

fn waiting(path: &str) {
    let file = open(path, l::O_RDWR);
    set(file, l::F_WRLCK, 0, 1).expect("a lock");
    let child = fork(|| {
        show("waited", record(file, l::F_SETLKW, l::F_WRLCK, 0, 1).0);
        0
    });
    sleep(Duration::from_millis(50));
    println!("let go");
    set(file, l::F_UNLCK, 0, 1).expect("to unlock");
    wait(child).expect("a child");
    set(file, l::F_WRLCK, 0, 1).expect("a lock");
    by_another(|| {
        extern "C" fn nothing(_: i32) {}
        // SAFETY: P1, an action of zeros is one.
        let mut action: l::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = nothing as *const () as usize;
        // SAFETY: P3, the handler does nothing.
        unsafe {
            l::sigaction(l::SIGALRM, &raw const action, std::ptr::null_mut());
            l::alarm(1);
        }
        show("interrupted", record(file, l::F_SETLKW, l::F_WRLCK, 0, 1).0);
    });
    close(file);
}

/// flock and OFD locks are the open file's, with all descriptors of it.
fn open_files(path: &str) {
    let (one, two) = (open(path, l::O_RDWR), open(path, l::O_RDWR));
    let twin = call(l::SYS_dup, [one]).expect("a descriptor");
    let flock = |file: usize, how: i32| call(l::SYS_flock, [file, how as usize]);
    let now = l::LOCK_NB;
    show("flock", flock(one, l::LOCK_EX));
    show("flock, its twin", flock(twin, l::LOCK_EX | now));
    show("flock, another", flock(two, l::LOCK_SH | now));
    show("flock, shared", flock(twin, l::LOCK_SH));
    show("flock, another, shared", flock(two, l::LOCK_SH | now));
    show("flock, no more", flock(one, l::LOCK_EX | now));
    show("flock, unlock", flock(two, l::LOCK_UN));
    show("flock, unknown", flock(two, 0));
    show("flock, again", flock(one, l::LOCK_EX | now));
    close(one);
    show("flock, the twin holds", flock(two, l::LOCK_EX | now));
    close(twin);
    show("flock, the twin is closed", flock(two, l::LOCK_EX | now));
    let one = open(path, l::O_RDWR);
    let ofd = |file, kind| record(file, F_OFD_SETLK, kind, 0, 10).0;
    show("open file", ofd(one, l::F_WRLCK));
    show("another", ofd(two, l::F_RDLCK));
    show("the process", set(two, l::F_RDLCK, 5, 1));
    close(one);
    show("closed", ofd(two, l::F_RDLCK));
    close(two);
}

/// What a process leaves behind keeps nobody out.
fn ends(path: &str) {
    let file = open(path, l::O_RDWR);
    let holder = fork_and_stay(|| {
        set(file, l::F_WRLCK, 0, 10).expect("a lock");
    });
    show("held by a child", set(file, l::F_WRLCK, 5, 1));
    kill(holder, l::SIGKILL).expect("a child");
    println!("{:?}", wait(holder));
    show("killed", set(file, l::F_WRLCK, 5, 1));
    let waiting = fork(|| {
        show("not to be", record(file, l::F_SETLKW, l::F_WRLCK, 5, 1).0);
        0
    });
    sleep(Duration::from_millis(50));
    kill(waiting, l::SIGKILL).expect("a child");
    println!("{:?}", wait(waiting));
    set(file, l::F_UNLCK, 0, 0).expect("to unlock");
    by_another(|| show("not held by the dead", set(file, l::F_WRLCK, 0, 0)));
    show("nor by the other", set(file, l::F_WRLCK, 0, 0));
    close(file);
}

/// Locks are the process's wherever it goes.
fn moves(path: &str) {
    let file = open(path, l::O_RDWR);
    let child = children::fork(|| {
        show("before", set(file, l::F_WRLCK, 0, 10));
        move_to(ELSEWHERE.load(Relaxed));
        by_another(|| show("kept from others", set(file, l::F_WRLCK, 9, 1)));
        show("its own", set(file, l::F_RDLCK, 0, 5));
        show("let go", set(file, l::F_UNLCK, 5, 5));
        by_another(|| show("for others", set(file, l::F_WRLCK, 9, 1)));
        by_another(|| show("not for others", set(file, l::F_WRLCK, 4, 1)));
        0
    });
    wait(child).expect("a child");
    show("after its end", set(file, l::F_WRLCK, 0, 0));
    close(file);
}

/// Processes that wait for each other in a circle: one of them is told.
fn deadlocks(path: &str) {
    for processes in [2, 3] {
        let gates: Vec<_> = (0..processes).map(|_| (pipe(), pipe())).collect();
        let byte = c"x".as_ptr() as usize;
        let mut room = 0u8;
        let into = &raw mut room as usize;
        let children: Vec<usize> = (0..processes)
            .map(|number| {
                let file = open(path, l::O_RDWR);
                let (ready, go) = gates[number];
                let work = || {
                    set(file, l::F_WRLCK, number as i64, 1).expect("a lock");
                    call(l::SYS_write, [ready[1], byte, 1]).expect("a reader");
                    call(l::SYS_read, [go[0], into, 1]).expect("a writer");
                    let next = ((number + 1) % processes) as i64;
                    let answer = record(file, l::F_SETLKW, l::F_WRLCK, next, 1).0;
                    i32::from(answer == Err(l::EDEADLK)) + 2 * i32::from(answer.is_ok())
                };
                if number % 2 == 0 {
                    fork(work)
                } else {
                    children::fork(work)
                }
            })
            .collect();
        for (ready, _) in &gates {
            call(l::SYS_read, [ready[0], into, 1]).expect("a writer");
        }
        for (_, go) in &gates {
            call(l::SYS_write, [go[1], byte, 1]).expect("a reader");
        }
        let mut ends: Vec<_> = children.into_iter().map(wait).collect();
        ends.sort_unstable();
        println!("{processes} in a circle: {ends:?}");
        for end in gates
            .into_iter()
            .flat_map(|(ready, go)| [ready, go].concat())
        {
            close(end);
        }
    }
}
