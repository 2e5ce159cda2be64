//! Locks of a file in /tmp, as processes and open files see them: fcntl with F_SETLK and kin, flock.

use std::thread::sleep;
use std::time::Duration;

use braid_test_programs::children::{fork, in_child, wait};
use braid_test_programs::{Answer, call, show, text};
use libc as l;

/// Not in libc for every target.
const F_OFD_SETLK: i32 = 37;

fn main() {
    let path = format!("/tmp/locks-{}", std::process::id());
    std::fs::write(&path, [b'x'; 100]).expect("a file in /tmp");
    records(&path);
    a_close_lets_go(&path);
    waiting(&path);
    open_files(&path);
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
    in_child(work).expect("a child");
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
