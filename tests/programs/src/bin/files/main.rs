//! The file calls on a directory of its own in `/tmp`: what each answers, errors above all.

mod attributes;
mod descriptors;
mod names;
mod opening;

use braid_test_programs::{Answer, call, show, text};
use libc as l;
use std::fs;

const CWD: usize = l::AT_FDCWD as usize;

fn main() {
    let directory = format!("/tmp/files-{}", std::process::id());
    fs::create_dir(&directory).expect("a directory in /tmp");
    std::env::set_current_dir(&directory).expect("to enter it");
    opening::opening();
    opening::positions();
    names::names();
    names::renames();
    names::links();
    names::directories();
    descriptors::descriptors();
    descriptors::pipes();
    attributes::times_and_modes();
    std::env::set_current_dir("/").expect("to leave it");
    fs::remove_dir_all(&directory).expect("to remove it");
}

fn open(path: &str, flags: i32) -> Answer {
    let path = text(path);
    call(
        l::SYS_openat,
        [CWD, path.as_ptr() as usize, flags as usize, 0o644],
    )
}

fn close(fd: usize) -> Answer {
    call(l::SYS_close, [fd])
}

/// Opens, shows whether that went well, and closes again.
fn try_open(path: &str, flags: i32) {
    let answer = open(path, flags);
    if let Ok(fd) = answer {
        close(fd).expect("to close what was opened");
    }
    show(&format!("open {path} {flags:#o}"), answer.map(|_| 0));
}

fn with_path(number: i64, path: &str, other: usize) -> Answer {
    let path = text(path);
    call(number, [path.as_ptr() as usize, other])
}

fn with_paths(number: i64, from: &str, to: &str) -> Answer {
    let (from, to) = (text(from), text(to));
    call(number, [from.as_ptr() as usize, to.as_ptr() as usize])
}

fn size(path: &str) -> Answer {
    fs::symlink_metadata(path)
        .map(|data| data.len() as usize)
        .map_err(|error| error.raw_os_error().unwrap_or(0))
}
