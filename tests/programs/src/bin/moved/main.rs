//! Files of processes that move to other tori and back. On a kernel without migrate nothing moves, and all is said alike.

mod calls;

use braid_test_programs::{Answer, call, text};
use calls::{
    bytes, close, fork, go, open, pipe, read, read_all, say, seek, wait, write, write_all,
};
use libc as l;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

const NAME: &str = "file";

fn main() {
    if let Some(word) = std::env::args().nth(1) {
        return second_life(word.parse().expect("a descriptor"));
    }
    let directory = format!("/tmp/moved-{}", std::process::id());
    fs::create_dir(&directory).expect("a directory in /tmp");
    std::env::set_current_dir(&directory).expect("to enter it");
    pipes();
    positions();
    waits();
    interruptions();
    places(&directory);
    descriptors();
    std::env::set_current_dir("/").expect("to leave it");
    fs::remove_dir_all(&directory).expect("to remove it");
}

/// More than a pipe holds, both ways, and their ends.
fn pipes() {
    for comes_back in [false, true] {
        let (from, to) = pipe();
        let child = fork(|| {
            close(from);
            go(1);
            write_all(to, &bytes(300_000));
            if comes_back {
                go(0);
            }
            write_all(to, b"end");
        });
        close(to);
        let all = read_all(from);
        println!(
            "from afar: {} {}",
            all.len(),
            all.starts_with(&bytes(300_000))
        );
        close(from);
        wait(child);
    }
    let ((from, to), (back, answer)) = (pipe(), pipe());
    let child = fork(|| {
        close(to);
        go(1);
        let all = read_all(from);
        write_all(
            answer,
            format!("{} {}", all.len(), all == bytes(200_000)).as_bytes(),
        );
        std::process::exit(7);
    });
    close(from);
    close(answer);
    write_all(to, &bytes(200_000));
    close(to);
    println!("to afar: {}", String::from_utf8_lossy(&read_all(back)));
    close(back);
    wait(child);
    let ((from, to), (closed, parent)) = (pipe(), pipe());
    let child = fork(|| {
        go(1);
        close(from);
        close(parent);
        // Ends when the parent has closed its reading end too.
        read_all(closed);
        call(l::SYS_rt_sigaction, [l::SIGPIPE as usize, 0, 0, 8]).expect("sigaction");
        say("nobody reads", write(to, b"x"));
    });
    close(from);
    close(to);
    close(closed);
    close(parent);
    wait(child);
}

/// One position for all who share an open file.
fn positions() {
    let fd = open(NAME, l::O_RDWR | l::O_CREAT);
    write_all(fd, b"abc");
    let ((turn, other), (mine, yours)) = (pipe(), pipe());
    let child = fork(|| {
        go(1);
        write_all(fd, b"def");
        write_all(other, b"x");
        read(mine, 1).expect("read");
        say("after the parent", seek(fd, 0, l::SEEK_CUR));
        write_all(fd, b"jkl");
        say("cut", call(l::SYS_ftruncate, [fd, 11]));
        say("back", seek(fd, 2, l::SEEK_SET));
    });
    read(turn, 1).expect("read");
    write_all(fd, b"ghi");
    write_all(yours, b"x");
    wait(child);
    say("moved by the child", seek(fd, 0, l::SEEK_CUR));
    println!("{}", String::from_utf8_lossy(&read_all(fd)));
    for end in [turn, other, mine, yours] {
        close(end);
    }
    go(1);
    say("from another torus", seek(fd, 0, l::SEEK_END));
    let append = call(
        l::SYS_fcntl,
        [fd, l::F_SETFL as usize, l::O_APPEND as usize],
    );
    say("append", append);
    say("flags", call(l::SYS_fcntl, [fd, l::F_GETFL as usize, 0]));
    seek(fd, 0, l::SEEK_SET).expect("seek");
    let big = bytes(400_000);
    write_all(fd, &big);
    go(0);
    say("home again", seek(fd, 0, l::SEEK_CUR));
    say("flags", call(l::SYS_fcntl, [fd, l::F_GETFL as usize, 0]));
    println!("content: {}", fs::read(NAME).expect("to read")[11..] == big);
    close(fd);
    let own = open("/proc/self/exe", l::O_RDONLY);
    let whole = fs::read("/proc/self/exe").expect("to read");
    let head = read(own, 1000).expect("read");
    go(1);
    let rest = read_all(own);
    println!(
        "executable: {}",
        head == whole[..1000] && rest == whole[1000..]
    );
    close(own);
    go(0);
}

fn poll(fds: &[(usize, i16)], timeout: i32) -> (Answer, Vec<i16>) {
    let mut list: Vec<l::pollfd> = fds
        .iter()
        .map(|&(fd, events)| l::pollfd {
            fd: fd as i32,
            events,
            revents: 0,
        })
        .collect();
    let arguments = [list.as_mut_ptr() as usize, list.len(), timeout as usize];
    let answer = call(l::SYS_poll, arguments);
    (answer, list.iter().map(|entry| entry.revents).collect())
}

/// poll and select on files here and there.
fn waits() {
    let (from, to) = pipe();
    go(1);
    let (near, far) = pipe();
    println!(
        "nothing: {:?}",
        poll(&[(from, l::POLLIN), (near, l::POLLIN)], 20)
    );
    println!(
        "room: {:?}",
        poll(&[(from, l::POLLIN), (to, l::POLLOUT)], -1)
    );
    let child = fork(|| {
        go(0);
        write_all(to, b"1");
        go(1);
        rest(50);
        write_all(far, b"2");
    });
    println!("there: {:?}", poll(&[(near, 0), (from, l::POLLIN)], -1));
    println!("{:?}", read(from, 5));
    println!(
        "here: {:?}",
        poll(&[(from, l::POLLIN), (near, l::POLLIN)], -1)
    );
    wait(child);
    let mut set = 1u64 << from | 1 << near;
    let most = from.max(near) + 1;
    let chosen = call(l::SYS_select, [most, (&raw mut set) as usize, 0, 0, 0]);
    println!("select: {chosen:?} {}", set == 1 << near);
    close(to);
    println!("closed: {:?}", poll(&[(from, l::POLLIN)], -1));
    let flags = [near, l::F_SETFL as usize, l::O_NONBLOCK as usize];
    call(l::SYS_fcntl, flags).expect("fcntl");
    read(near, 9).expect("read");
    go(0);
    println!("would wait: {:?}", read(near, 1));
    for end in [from, near, far] {
        close(end);
    }
}

/// Where the handler says that it has run; 0: nowhere.
static TOLD: AtomicUsize = AtomicUsize::new(0);

extern "C" fn tell(_: i32) {
    let fd = TOLD.swap(0, Ordering::Relaxed);
    if fd != 0 {
        write(fd, b"!").expect("write");
    }
}

fn handle(flags: i32) {
    // SAFETY: P3, the handler only makes a system call.
    unsafe {
        let mut action: l::sigaction = std::mem::zeroed();
        action.sa_sigaction = tell as *const () as usize;
        action.sa_flags = flags;
        l::sigaction(l::SIGALRM, &raw const action, std::ptr::null_mut());
    }
}

/// Alarms from now on, so often that one meets whatever waits; 0: none.
fn alarms(milliseconds: usize) {
    let every = [0, milliseconds * 1000, 0, milliseconds * 1000];
    call(l::SYS_setitimer, [0, every.as_ptr() as usize, 0]).expect("setitimer");
}

/// Signals while a call waits elsewhere.
fn interruptions() {
    let ((from, to), (told, tells)) = (pipe(), pipe());
    let child = fork(|| {
        go(1);
        handle(0);
        alarms(50);
        println!("interrupted: {:?}", read(from, 1));
        handle(l::SA_RESTART);
        TOLD.store(tells, Ordering::Relaxed);
        println!("restarted: {:?}", read(from, 1));
        alarms(0);
        println!("the rest: {:?}", read(from, 9));
    });
    read(told, 1).expect("read");
    write_all(to, b"a");
    while poll(&[(from, l::POLLIN)], 0).0 == Ok(1) {}
    write_all(to, b"bc");
    wait(child);
    let child = fork(|| {
        go(1);
        write_all(tells, b"!");
        println!("killed: {:?}", read(from, 9));
    });
    read(told, 1).expect("read");
    // Killed while it reads, most likely.
    rest(100);
    call(l::SYS_kill, [child, l::SIGKILL as usize]).expect("kill");
    wait(child);
    write_all(to, b"kept");
    println!("kept: {:?}", read(from, 9));
    let child = fork(|| {
        go(1);
        handle(0);
        alarms(50);
        say("part of a long write", write(to, &bytes(100_000)));
    });
    wait(child);
    close(to);
    println!("and it came: {}", read_all(from) == bytes(65_536));
    for end in [from, told, tells] {
        close(end);
    }
}

fn rest(milliseconds: usize) {
    let time = [0, milliseconds * 1_000_000];
    call(l::SYS_nanosleep, [time.as_ptr() as usize, 0]).expect("nanosleep");
}

/// Working directories and listings.
fn places(directory: &str) {
    fs::create_dir("place").expect("mkdir");
    std::env::set_current_dir("place").expect("chdir");
    go(1);
    fs::write("here", "written here").expect("write");
    fs::rename("here", "../there").expect("rename");
    std::os::unix::fs::symlink("../there", "link").expect("symlink");
    let shown = |path: std::path::PathBuf| path.display().to_string().replace(directory, "D");
    println!("cwd: {}", shown(std::env::current_dir().expect("getcwd")));
    println!(
        "link: {:?} {:?}",
        fs::read_link("link"),
        fs::read_to_string("link")
    );
    let mut names: Vec<String> = fs::read_dir("..")
        .expect("a listing")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("text")
        })
        .collect();
    names.sort();
    println!("names: {names:?}");
    let listing = open("..", l::O_RDONLY | l::O_DIRECTORY);
    go(0);
    fs::create_dir("deep").expect("mkdir");
    std::env::set_current_dir("deep").expect("chdir");
    println!("cwd: {}", shown(std::env::current_dir().expect("getcwd")));
    go(1);
    call(l::SYS_fchdir, [listing]).expect("fchdir");
    println!("cwd: {}", shown(std::env::current_dir().expect("getcwd")));
    fs::remove_dir_all("place").expect("remove");
    println!("left: {}", fs::read_to_string("there").expect("read"));
    go(0);
    close(listing);
}

/// dup, and what execve keeps and closes.
fn descriptors() {
    let fd = open("kept", l::O_RDWR | l::O_CREAT);
    let closed = open("closed", l::O_RDWR | l::O_CREAT | l::O_CLOEXEC);
    let child = fork(|| {
        go(1);
        let again = call(l::SYS_dup, [fd]).expect("dup");
        write_all(again, b"before ");
        say("same position", seek(fd, 0, l::SEEK_CUR));
        println!("stat: {:?}", fs::metadata("kept").map(|data| data.len()));
        let own = text("/proc/self/exe");
        let words = [text("moved"), text(&format!("{fd}"))];
        let list = [words[0].as_ptr(), words[1].as_ptr(), std::ptr::null()];
        let none: [*const u8; 1] = [std::ptr::null()];
        let arguments = [
            own.as_ptr() as usize,
            list.as_ptr() as usize,
            none.as_ptr() as usize,
        ];
        say("execve", call(l::SYS_execve, arguments));
    });
    wait(child);
    println!("{:?}", fs::read_to_string("kept"));
    close(fd);
    close(closed);
}

/// After execve: the descriptor `fd` is open, the one after it is not.
fn second_life(fd: usize) {
    write_all(fd, b"after");
    say(
        "close-on-exec",
        call(l::SYS_fcntl, [fd + 1, l::F_GETFD as usize, 0]),
    );
    go(0);
    write_all(fd, b" and home");
}
