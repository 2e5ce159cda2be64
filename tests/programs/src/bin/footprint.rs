//! What a process costs: `footprint PROGRAM [ARGS..]` starts the program twice, and tells how many frames its torus has
//! less of when it has stopped itself, and how long that took. The first time its file is not cached.

use std::ffi::OsString;
use std::process::Command;
use std::time::Instant;

use braid_test_programs::call;
use braid_test_programs::torus::{AVAILABLE, info};
use libc as l;

fn main() {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    for time in ["first", "again"] {
        let (begin, before) = (Instant::now(), info(AVAILABLE));
        let mut child = Command::new(&words[0])
            .args(&words[1..])
            .spawn()
            .expect("the program");
        let stopped = until_stopped(child.id());
        let (frames, took) = (before - info(AVAILABLE), begin.elapsed());
        assert!(l::WIFSTOPPED(stopped), "it ends with {stopped:#x}");
        println!("{time}: {frames} frames");
        eprintln!("{time}: {} ns", took.as_nanos());
        child.kill().and_then(|()| child.wait()).expect("a child");
    }
}

fn until_stopped(child: u32) -> i32 {
    let mut status = 0;
    let to = &raw mut status as usize;
    let arguments = [child as usize, to, l::WUNTRACED as usize, 0];
    call(l::SYS_wait4, arguments).expect("a child");
    status
}
