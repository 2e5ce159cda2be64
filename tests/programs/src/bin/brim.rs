//! Both tori are full at once, of memory and of messages: processes that hold much of each other's torus end all together, while its
//! memory is used up and its rings are filled with probes. `brim PROCESSES`: so many on each of two tori.

use braid_test_programs::children::{fork, kill, pipe, wait};
use braid_test_programs::torus::move_to;
use braid_test_programs::{call, numbers};
use libc as l;
use std::os::fd::IntoRawFd;

const RING_PROBE: i64 = 4112;
/// Descriptors of each process: for as many a message is sent when it ends.
const DESCRIPTORS: usize = 900;
/// Pipes of each process, which stay on the torus where they were made.
const PIPES: usize = 100;
/// Probes that each torus sends.
const PROBES: usize = 100_000;

fn main() {
    let processes = numbers().next().expect("brim PROCESSES");
    let [ready, says] = pipe();
    let mut children = Vec::new();
    for torus in [0, 1] {
        for _ in 0..processes {
            children.push(fork(|| {
                if torus == 1 {
                    locked(1)
                } else {
                    piped()
                }
                say(says);
                rest()
            }));
        }
    }
    listen(ready, children.len());
    let probers = [0, 1].map(|torus| {
        fork(|| {
            settle(torus);
            stop();
            probe(1 - torus)
        })
    });
    for torus in [0, 1] {
        children.push(fork(|| {
            settle(torus);
            fill();
            stop();
            rest()
        }));
    }
    for stopped in probers.iter().chain(&children[2 * processes..]) {
        call(l::SYS_wait4, [*stopped, 0, l::WUNTRACED as usize, 0]).expect("stopped");
    }
    for prober in probers {
        kill(prober, l::SIGCONT).expect("kill");
    }
    for child in &children {
        kill(*child, l::SIGKILL).expect("kill");
    }
    let ended = children
        .into_iter()
        .filter(|child| wait(*child) == Ok(-l::SIGKILL));
    println!("{} ended", ended.count());
    for prober in probers {
        println!("{:?}", wait(prober));
    }
}

/// Goes to a torus, and has all that it needs there.
fn settle(torus: usize) {
    move_to(torus);
    call(l::SYS_mlockall, [l::MCL_CURRENT as usize]).expect("mlockall");
}

fn stop() {
    kill(std::process::id() as usize, l::SIGSTOP).expect("stop");
}

/// A file of torus 0 with a record lock, in many descriptors on another one.
fn locked(torus: usize) {
    move_to(torus);
    let name = format!("/tmp/brim.{}", std::process::id());
    let file = std::fs::File::create(name).expect("create").into_raw_fd();
    let mut lock = l::flock {
        l_type: l::F_WRLCK as i16,
        l_whence: 0,
        l_start: 0,
        l_len: 1,
        l_pid: 0,
    };
    let lock = &raw mut lock as usize;
    call(l::SYS_fcntl, [file as usize, l::F_SETLK as usize, lock]).expect("lock");
    for _ in 0..DESCRIPTORS {
        call(l::SYS_dup, [file as usize]).expect("dup");
    }
}

/// Pipes of torus 1 on torus 0.
fn piped() {
    move_to(1);
    for _ in 0..PIPES {
        let _ = pipe();
    }
    move_to(0);
}

/// Uses up the torus's memory, by pipes that are full; the last one goes again, so that this program goes on.
fn fill() {
    let (bytes, mut pipes) = ([1; 4096], [[usize::MAX; 2]; 512]);
    for place in &mut pipes {
        let mut ends = [0_i32; 2];
        let flags = l::O_NONBLOCK as usize;
        if call(l::SYS_pipe2, [ends.as_mut_ptr() as usize, flags]).is_err() {
            break;
        }
        *place = ends.map(|end| end as usize);
        let data = bytes.as_ptr() as usize;
        let stopped = loop {
            if let Err(error) = call(l::SYS_write, [place[1], data, 4096]) {
                break error;
            }
        };
        if stopped != l::EAGAIN {
            for end in *place {
                call(l::SYS_close, [end]).expect("close");
            }
            break;
        }
    }
}

/// Sends probes; 0 when all have been taken.
fn probe(other: usize) -> i32 {
    let mut left = PROBES;
    while left > 0 {
        match call(RING_PROBE, [other, left, 0, 0]) {
            Ok(sent) => left -= sent,
            Err(error) => return error,
        }
    }
    0
}

fn say(says: usize) {
    call(l::SYS_write, [says, "+".as_ptr() as usize, 1]).expect("write");
}

fn listen(ready: usize, words: usize) {
    let mut word = 0_u8;
    for _ in 0..words {
        let read = call(l::SYS_read, [ready, &raw mut word as usize, 1]);
        assert_eq!(read, Ok(1));
    }
}

fn rest() -> ! {
    loop {
        std::thread::park();
    }
}
