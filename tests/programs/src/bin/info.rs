//! What Braid tells of processes and frames, checked against what this program does. On Linux the calls are not there.

use std::thread::sleep;
use std::time::Duration;

use braid_test_programs::children::{fork, kill, wait};
use braid_test_programs::memory::{PAGE, fresh, write};
use braid_test_programs::torus::private_frames;
use braid_test_programs::{call, show};
use libc as l;

const PROCESS_INFO: i64 = 4099;
/// Words of process_info.
const MAPPED: usize = 2;
const RESIDENT: usize = 3;
const TABLES: usize = 6;
const MAPPINGS: usize = 7;
const FAULTS_ZERO: usize = 10;
/// Pages that are touched.
const PAGES: usize = 100;

fn main() {
    show("nobody", call(PROCESS_INFO, [4_000_000, 0, 0]));
    show("nowhere", call(PROCESS_INFO, [0, 1 << 63, 8]));
    // The code between the two looks is resident, too: it has run once.
    write(fresh(1), 1).expect("a writable page");
    let (before, frames) = (about(0), private_frames());
    let base = fresh(PAGES);
    for page in 0..PAGES {
        write(base + page * PAGE, 1).expect("a writable page");
    }
    let (after, more) = (about(0), private_frames());
    let grown = |word: usize| after[word] - before[word];
    println!("mapped: {}", grown(MAPPED));
    println!("resident: {}", grown(RESIDENT));
    println!("first writes: {}", grown(FAULTS_ZERO));
    println!("private frames: {}", more - frames);
    println!(
        "tables and mappings: {}",
        after[TABLES] >= 4 && after[MAPPINGS] >= 4
    );
    of_a_child();
}

/// A child's memory is told to its parent, by the call and by /proc.
fn of_a_child() {
    let pid = fork(|| {
        sleep(Duration::from_secs(1000));
        0
    });
    let resident = about(pid)[RESIDENT];
    println!("child resident: {}", resident >= PAGES as u64);
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).expect("statm");
    let pages: Vec<u64> = statm.split(' ').flat_map(str::parse).collect();
    println!(
        "statm: {}",
        pages[0] >= pages[1] && pages[1] >= PAGES as u64
    );
    kill(pid, l::SIGKILL).expect("a child");
    // Until it is a zombie, and stays one.
    let options = (l::WEXITED | l::WNOWAIT) as usize;
    call(l::SYS_waitid, [l::P_PID as usize, pid, 0, options, 0]).expect("a child");
    println!("zombie resident: {}", about(pid)[RESIDENT]);
    wait(pid).expect("a child");
    show("gone", call(PROCESS_INFO, [pid, 0, 0]));
}

fn about(pid: usize) -> [u64; 18] {
    let mut words = [0u64; 18];
    let buffer = [pid, words.as_mut_ptr() as usize, size_of_val(&words)];
    assert_eq!(call(PROCESS_INFO, buffer), Ok(18));
    words
}
