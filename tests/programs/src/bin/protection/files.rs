//! Every use of a file by everybody, for every owner and mode.

use super::{USERS, User, become_and, letter};
use braid_test_programs::{Answer, call, text};
use libc as l;
use std::ffi::CString;

const CWD: usize = l::AT_FDCWD as usize;

/// Owners and groups of the file.
const OWNERS: [(u32, u32); 3] = [(1000, 1000), (1003, 2000), (0, 0)];
const MODES: [u32; 12] = [
    0o000, 0o777, 0o700, 0o070, 0o007, 0o400, 0o020, 0o001, 0o640, 0o4755, 0o2745, 0o6711,
];

pub(crate) fn run() {
    let name = text("file");
    for (uid, gid) in OWNERS {
        for mode in MODES {
            for user in USERS {
                std::fs::write("file", "text").expect("a file");
                call(l::SYS_chown, [path(&name), uid as usize, gid as usize]).expect("chown");
                call(l::SYS_chmod, [path(&name), mode as usize]).expect("chmod");
                become_and(user, || one(uid, gid, mode, user));
                std::fs::remove_file("file").expect("to remove it");
            }
        }
    }
    attributes();
}

fn path(name: &CString) -> usize {
    name.as_ptr().addr()
}

fn one(uid: u32, gid: u32, mode: u32, User(user, ..): User) {
    let name = text("file");
    let mut line = format!("{uid}:{gid} {mode:04o} {user}: open ");
    for flags in [
        l::O_RDONLY,
        l::O_WRONLY,
        l::O_RDWR,
        l::O_RDONLY | l::O_TRUNC,
        l::O_WRONLY | l::O_CREAT,
        l::O_RDONLY | l::O_NOATIME,
        l::O_PATH,
    ] {
        line.push(letter(open(&name, flags)));
    }
    line.push_str(" access ");
    for wanted in 0..8 {
        line.push(letter(call(l::SYS_access, [path(&name), wanted])));
    }
    line.push_str(" chmod ");
    let number = l::SYS_chmod;
    line.push(letter(call(number, [path(&name), mode as usize])));
    line.push_str(" chown ");
    let keep = u32::MAX as usize;
    let uid = uid as usize;
    for (uid, gid) in [
        (keep, keep),
        (uid, keep),
        (1001, keep),
        (keep, 2000),
        (keep, 4000),
    ] {
        line.push(letter(call(l::SYS_chown, [path(&name), uid, gid])));
    }
    line.push_str(" utimes ");
    let some = [1i64, 0, 1, 0];
    let now = [0, l::UTIME_NOW, 0, l::UTIME_NOW];
    let half = [0, l::UTIME_NOW, 0, l::UTIME_OMIT];
    let none = [0, l::UTIME_OMIT, 0, l::UTIME_OMIT];
    for times in [Some(some), Some(now), Some(half), Some(none), None] {
        let at = times.as_ref().map_or(0, |times| times.as_ptr().addr());
        line.push(letter(call(l::SYS_utimensat, [CWD, path(&name), at, 0])));
    }
    line.push_str(" truncate ");
    line.push(letter(call(l::SYS_truncate, [path(&name), 2])));
    println!("{line} {:06o}", mode_of("file"));
}

fn open(name: &CString, flags: i32) -> Answer {
    let opened = call(l::SYS_openat, [CWD, path(name), flags as usize, 0o600]);
    if let Ok(fd) = opened {
        call(l::SYS_close, [fd]).expect("to close it");
    }
    opened
}

fn mode_of(name: &str) -> u32 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(name).map_or(0, |metadata| metadata.mode())
}

/// What becomes of set-id bits, owners and groups.
fn attributes() {
    use std::os::unix::fs::MetadataExt;
    let (name, directory) = (text("file"), text("directory"));
    for user in USERS {
        for mode in [0o6777, 0o6767, 0o4666, 0o2777] {
            for change in 0..6 {
                std::fs::write("file", "text").expect("a file");
                let owner = if change == 5 { user.0 } else { 1003 };
                call(l::SYS_chown, [path(&name), owner as usize, 2000]).expect("chown");
                call(l::SYS_chmod, [path(&name), mode]).expect("chmod");
                become_and(user, || {
                    let keep = u32::MAX as usize;
                    let answer = match change {
                        0 => write(&name, b"x"),
                        1 => write(&name, b""),
                        2 => call(l::SYS_truncate, [path(&name), 1]),
                        3 => open(&name, l::O_WRONLY | l::O_TRUNC),
                        4 => call(l::SYS_chown, [path(&name), keep, keep]),
                        _ => call(l::SYS_chmod, [path(&name), 0o6777]),
                    };
                    let (user, letter) = (user.0, letter(answer));
                    println!("{mode:o} {change} {user}: {letter} {:06o}", mode_of("file"));
                });
                std::fs::remove_file("file").expect("to remove it");
            }
        }
    }
    // New files in directories that give their group.
    for (mode, group) in [(0o777, 2000), (0o2777, 2000), (0o2777, 5000)] {
        std::fs::create_dir("directory").expect("a directory");
        call(l::SYS_chown, [path(&directory), 1003, group]).expect("chown");
        call(l::SYS_chmod, [path(&directory), mode]).expect("chmod");
        for user in USERS {
            become_and(user, || {
                let show = |name: &str| {
                    let new = std::fs::symlink_metadata(name).expect("what was made");
                    print!(" {:06o} {}:{}", new.mode(), new.uid(), new.gid());
                };
                print!("{mode:o} {group} {}:", user.0);
                for mode in [0o644, 0o2755, 0o6711, 0o2744] {
                    let name = text("directory/new");
                    let flags = (l::O_CREAT | l::O_WRONLY) as usize;
                    call(l::SYS_openat, [CWD, path(&name), flags, mode]).expect("a file");
                    show("directory/new");
                    std::fs::remove_file("directory/new").expect("to remove it");
                }
                let name = text("directory/below");
                call(l::SYS_mkdir, [path(&name), 0o3750]).expect("a directory");
                show("directory/below");
                std::fs::remove_dir("directory/below").expect("to remove it");
                std::os::unix::fs::symlink("x", "directory/link").expect("a link");
                show("directory/link");
                std::fs::remove_file("directory/link").expect("to remove it");
                println!();
            });
        }
        std::fs::remove_dir("directory").expect("to remove it");
    }
}

fn write(name: &CString, bytes: &[u8]) -> Answer {
    let fd = call(l::SYS_openat, [CWD, path(name), l::O_WRONLY as usize, 0])?;
    let written = call(l::SYS_write, [fd, bytes.as_ptr().addr(), bytes.len()]);
    call(l::SYS_close, [fd]).expect("to close it");
    written
}
