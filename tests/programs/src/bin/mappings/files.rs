//! Which mappings of a file are allowed.

use braid_test_programs::children::pipe;
use braid_test_programs::memory::{PAGE, RW, map_file, protect, unmap};
use braid_test_programs::{call, show, text};
use libc as l;

pub(crate) fn allowed() {
    let path = format!("/tmp/mappings-{}", std::process::id());
    std::fs::write(&path, [b'f'; 2 * PAGE]).expect("a file in /tmp");
    let name = text(&path);
    let open = |flags: i32| call(l::SYS_open, [name.as_ptr() as usize, flags as usize]);
    let try_file = |name: &str, file, rights, flags, offset| {
        let answer = map_file(0, PAGE, rights, flags, file, offset);
        if let Ok(at) = answer {
            unmap(at, PAGE).expect("to unmap what was mapped");
        }
        show(&format!("file, {name}"), answer.map(|_| 0));
    };
    let reader = open(l::O_RDONLY).expect("the file");
    let writer = open(l::O_WRONLY).expect("the file");
    try_file("none", 99, RW, l::MAP_PRIVATE, 0);
    try_file("private", reader, RW, l::MAP_PRIVATE, 0);
    try_file("shared, to read", reader, l::PROT_READ, l::MAP_SHARED, 0);
    try_file("shared, to write", reader, RW, l::MAP_SHARED, 0);
    try_file(
        "that cannot be read",
        writer,
        l::PROT_READ,
        l::MAP_PRIVATE,
        0,
    );
    try_file(
        "that cannot be read, shared",
        writer,
        l::PROT_READ,
        l::MAP_SHARED,
        0,
    );
    let ends = pipe();
    try_file("a pipe", ends[0], l::PROT_READ, l::MAP_PRIVATE, 0);
    let validated = l::MAP_SHARED_VALIDATE;
    try_file("validated", reader, l::PROT_READ, validated, 0);
    let odd = validated | 1 << 25;
    try_file("validated, unknown flag", reader, l::PROT_READ, odd, 0);
    try_file("offset, unaligned", reader, RW, l::MAP_PRIVATE, 5);
    try_file(
        "offset, beyond the end",
        reader,
        RW,
        l::MAP_PRIVATE,
        16 * PAGE,
    );
    try_file(
        "offset, too large",
        reader,
        RW,
        l::MAP_PRIVATE,
        usize::MAX << 12,
    );
    let shared = map_file(0, PAGE, l::PROT_READ, l::MAP_SHARED, reader, 0).expect("a mapping");
    show("mprotect, shared, to write", protect(shared, PAGE, RW));
    unmap(shared, PAGE).expect("to unmap");
    for file in [reader, writer, ends[0], ends[1]] {
        call(l::SYS_close, [file]).expect("to close");
    }
    std::fs::remove_file(&path).expect("to remove it");
}
