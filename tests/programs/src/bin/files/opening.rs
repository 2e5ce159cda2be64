//! Opening files, and reading and writing at positions.

use crate::{close, open, size, try_open};
use braid_test_programs::{call, show};
use libc as l;
use std::fs;

pub(crate) fn opening() {
    for (path, flags) in [
        ("none", l::O_RDONLY),
        ("none/", l::O_RDONLY),
        ("new", l::O_CREAT | l::O_EXCL | l::O_WRONLY),
        ("new", l::O_CREAT | l::O_EXCL | l::O_WRONLY),
        ("new", l::O_CREAT | l::O_RDONLY),
        ("new/", l::O_RDONLY),
        ("new/x", l::O_RDONLY),
        ("new", l::O_RDONLY | l::O_DIRECTORY),
        (".", l::O_RDONLY),
        (".", l::O_WRONLY),
        (".", l::O_RDONLY | l::O_CREAT),
        ("made/", l::O_RDONLY | l::O_CREAT),
        ("", l::O_RDONLY),
        ("/dev/null", l::O_RDWR),
        ("/dev/null/x", l::O_RDWR),
    ] {
        try_open(path, flags);
    }
    try_open(&"n".repeat(255), l::O_CREAT | l::O_WRONLY);
    try_open(&"n".repeat(256), l::O_CREAT | l::O_WRONLY);
    try_open(&"a/".repeat(2100), l::O_RDONLY);
}

pub(crate) fn positions() {
    let fd = open("data", l::O_CREAT | l::O_RDWR | l::O_TRUNC).expect("a file");
    let bytes = *b"0123456789";
    let at = bytes.as_ptr() as usize;
    show("write", call(l::SYS_write, [fd, at, 10]));
    show("pwrite beyond", call(l::SYS_pwrite64, [fd, at, 5, 10_000]));
    show("size", size("data"));
    let mut buffer = [1u8; 16];
    let to = buffer.as_mut_ptr() as usize;
    show("pread hole", call(l::SYS_pread64, [fd, to, 16, 9_995]));
    println!("{buffer:?}");
    show("read at end of first write", call(l::SYS_read, [fd, to, 4]));
    show("seek end", call(l::SYS_lseek, [fd, 0, 2]));
    show("seek before start", call(l::SYS_lseek, [fd, usize::MAX, 0]));
    show("seek to nonsense", call(l::SYS_lseek, [fd, 0, 9]));
    show("read at end", call(l::SYS_read, [fd, to, 4]));
    show("seek far", call(l::SYS_lseek, [fd, 1 << 40, 0]));
    show("read far", call(l::SYS_read, [fd, to, 4]));
    show("truncate", call(l::SYS_ftruncate, [fd, 5]));
    show(
        "truncate negative",
        call(l::SYS_ftruncate, [fd, usize::MAX]),
    );
    show("extend", call(l::SYS_ftruncate, [fd, 12]));
    show("pread", call(l::SYS_pread64, [fd, to, 16, 0]));
    println!("{buffer:?}");
    show(
        "pread negative",
        call(l::SYS_pread64, [fd, to, 16, usize::MAX]),
    );
    show("read to nowhere", call(l::SYS_pread64, [fd, 8, 4, 0]));
    show("close", close(fd));
    show("close again", close(fd));
    let fd = open("data", l::O_RDONLY).expect("a file");
    show("write to read-only", call(l::SYS_write, [fd, at, 1]));
    show("truncate read-only", call(l::SYS_ftruncate, [fd, 1]));
    show("close", close(fd));
    let fd = open("data", l::O_WRONLY | l::O_APPEND).expect("a file");
    show("read from write-only", call(l::SYS_read, [fd, to, 1]));
    show("append", call(l::SYS_write, [fd, at, 3]));
    show("append elsewhere", call(l::SYS_pwrite64, [fd, at, 3, 0]));
    show("size", size("data"));
    show("close", close(fd));
    println!("{:?}", fs::read("data"));
}
