//! Users and groups: what each may do with files and with processes of others. Every answer is printed; user 0 runs it.

mod files;
mod ids;
mod limits;
mod names;
mod processes;
mod programs;

use braid_test_programs::{Answer, call, children};
use libc as l;
use std::io::Write;

/// Somebody: user, group, supplementary groups.
#[derive(Clone, Copy)]
struct User(u32, u32, &'static [u32]);

/// User 0, an owner, one in a group, one in a group by supplement, and a stranger.
const USERS: [User; 5] = [
    User(0, 0, &[]),
    User(1000, 1000, &[]),
    User(1001, 2000, &[]),
    User(1002, 1002, &[3000, 2000]),
    User(1003, 1003, &[4000]),
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let part = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    match part.as_str() {
        "files" => in_directory(files::run),
        "names" => in_directory(names::run),
        "ids" => ids::run(),
        "limits" => in_directory(limits::run),
        "processes" => processes::run(),
        "moves" => processes::moves(),
        "programs" => in_directory(programs::run),
        "who" => programs::who(),
        "limit" => limits::tell(&rest),
        part => panic!("there is no part {part:?}"),
    }
}

/// Runs in a new directory of `/tmp`, or of where the environment says.
fn in_directory(run: fn()) {
    let base = std::env::var("BASE").unwrap_or_else(|_| "/tmp".to_owned());
    let directory = format!("{base}/protection-{}", std::process::id());
    // SAFETY: P1.
    unsafe { l::umask(0) };
    std::fs::create_dir(&directory).expect("a directory");
    std::env::set_current_dir(&directory).expect("to enter it");
    run();
    std::env::set_current_dir("/").expect("to leave it");
    std::fs::remove_dir_all(&directory).expect("to remove it");
}

/// Does something in a child as this user: its standard output is this program's, and nothing else of it stays.
fn become_and(user: User, work: impl FnOnce()) {
    forked(|| {
        become_user(user);
        work();
    });
}

/// Runs in a child.
fn forked(work: impl FnOnce()) {
    flush();
    let child = children::fork(|| {
        work();
        flush();
        0
    });
    let mut status = 0usize;
    call(l::SYS_wait4, [child, (&raw mut status).addr(), 0, 0]).expect("to wait");
    if status as i32 & 0x7f != 0 {
        println!("killed by {}", status & 0x7f);
    }
}

/// Has this process get a signal when its parent ends.
fn tell_at_parents_end() {
    let signal = l::SIGURG as usize;
    call(l::SYS_prctl, [l::PR_SET_PDEATHSIG as usize, signal]).expect("prctl");
}

/// Which signal this process gets when its parent ends.
fn told_at_parents_end() -> u32 {
    let mut signal = 0;
    let to = (&raw mut signal).addr();
    call(l::SYS_prctl, [l::PR_GET_PDEATHSIG as usize, to]).expect("prctl");
    signal
}

fn flush() {
    std::io::stdout().flush().expect("to write");
}

fn become_user(User(user, group, groups): User) {
    call(l::SYS_setgroups, [groups.len(), groups.as_ptr().addr()]).expect("setgroups");
    call(l::SYS_setresgid, [group as usize; 3]).expect("setresgid");
    call(l::SYS_setresuid, [user as usize; 3]).expect("setresuid");
}

/// `.` for success, else a letter for the error.
fn letter(answer: Answer) -> char {
    match answer {
        Ok(_) => '.',
        Err(l::EACCES) => 'A',
        Err(l::EPERM) => 'P',
        Err(l::ENOENT) => 'N',
        Err(l::ENOTDIR) => 'D',
        Err(l::EISDIR) => 'I',
        Err(l::EEXIST) => 'X',
        Err(l::EINVAL) => 'V',
        Err(l::ENOTEMPTY) => 'E',
        Err(l::EROFS) => 'R',
        Err(l::EFBIG) => 'B',
        Err(l::ESRCH) => 'S',
        Err(l::EAGAIN) => 'G',
        Err(l::EMFILE) => 'M',
        Err(l::ENOMEM) => 'O',
        Err(number) => panic!("error {number}"),
    }
}
