//! Accesses: what may be touched, what is there, and which signal a program gets that touches what it may not.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

use braid_test_programs::memory::{
    ANONYMOUS, PAGE, RETURN_7, RW, execute, fill, handle_faults, map, map_file, picture, protect,
    read, show_access, show_rights, unmap, write,
};
use braid_test_programs::{call, show};
use libc as l;

/// An area where nothing else is.
const AREA: usize = 0x1000_0000_0000;
const FIXED: i32 = ANONYMOUS | l::MAP_FIXED;
const MIB: usize = 1 << 20;

fn main() {
    handle_faults();
    zeros();
    rights();
    wild_addresses();
    execution();
    growing_down();
    the_stack();
    let path = format!("/tmp/faults-{}", std::process::id());
    file_private(&path);
    file_shared(&path);
    file_ends(&path);
}

/// Untouched memory is zero, each byte of it, whether read or written first.
fn zeros() {
    let base = map(AREA, 64 * PAGE, RW, FIXED).expect("memory");
    let sum = |from: usize, count: usize| {
        let bytes = (from..from + count).map(|at| read(at).map_or(1000, u32::from));
        bytes.sum::<u32>()
    };
    println!("read first: {}", sum(base, 4 * PAGE));
    write(base + PAGE + 100, 5).expect("a writable page");
    write(base + 9 * PAGE, 6).expect("a writable page");
    println!("written in two places: {}", sum(base, 12 * PAGE));
    unmap(base, 64 * PAGE).expect("to unmap");
    let again = map(base, 64 * PAGE, RW, FIXED).expect("memory");
    println!("mapped again: {}", sum(again, 12 * PAGE));
    unmap(again, 64 * PAGE).expect("to unmap");
}

fn rights() {
    let all = RW | l::PROT_EXEC;
    let kinds = [
        ("nothing", l::PROT_NONE),
        ("read", l::PROT_READ),
        ("write", l::PROT_WRITE),
        ("read, write", RW),
        ("read, execute", l::PROT_READ | l::PROT_EXEC),
        ("all", all),
    ];
    for (name, rights) in kinds {
        let base = map(AREA, 2 * PAGE, rights, FIXED).expect("memory");
        show_rights(&format!("mapped to {name}, untouched"), base);
        protect(base, PAGE, RW).expect("other rights");
        fill_code(base);
        protect(base, PAGE, rights).expect("other rights");
        show_rights(&format!("protected to {name}"), base);
        unmap(base, 2 * PAGE).expect("to unmap");
    }
}

fn fill_code(base: usize) {
    for (at, byte) in (base..).zip(RETURN_7) {
        write(at, byte).expect("a writable page");
    }
}

fn wild_addresses() {
    let addresses = [
        0,
        1,
        PAGE - 1,
        AREA,
        (1 << 47) - PAGE,
        usize::MAX << 47,
        usize::MAX - 7,
    ];
    for address in addresses {
        show_access(&format!("read {address:#x}"), read(address));
        show_access(
            &format!("write {address:#x}"),
            write(address, 1).map(|()| 1),
        );
        show_access(&format!("execute {address:#x}"), execute(address));
    }
}

/// Code that is written, run, written again and run again, as a compiler at run time does it.
fn execution() {
    let base = map(AREA, PAGE, RW, FIXED).expect("memory");
    fill_code(base);
    show_access("data, executed", execute(base));
    protect(base, PAGE, l::PROT_READ | l::PROT_EXEC).expect("other rights");
    show_access("code, executed", execute(base));
    show_access("code, written", write(base + 1, 8).map(|()| 0));
    protect(base, PAGE, RW | l::PROT_EXEC).expect("other rights");
    show_access("both, written", write(base + 1, 9).map(|()| 0));
    show_access("both, executed", execute(base));
    unmap(base, PAGE).expect("to unmap");
}

fn limit_stack(bytes: usize) {
    let mut limit = l::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: P1, the structure lives across both calls.
    let set = unsafe {
        l::getrlimit(l::RLIMIT_STACK, &raw mut limit);
        limit.rlim_cur = bytes as u64;
        l::setrlimit(l::RLIMIT_STACK, &raw const limit)
    };
    assert_eq!(set, 0, "a lower limit is always allowed");
}

fn growing_down() {
    limit_stack(2 * MIB);
    let top = AREA + 4 * PAGE;
    map(AREA, 4 * PAGE, RW, FIXED | l::MAP_GROWSDOWN).expect("memory");
    fill(AREA, "abcd");
    for distance in [1, 3, 50, 400] {
        let seen = read(AREA - distance * PAGE);
        show_access(&format!("{distance} pages below"), seen);
    }
    println!("above them: {}", picture(AREA - 2 * PAGE, 6));
    show_access("written there", write(AREA - 300 * PAGE, 7).map(|()| 0));
    show_access("at the limit", read(top - 2 * MIB));
    show_access("over the limit", read(top - 2 * MIB - 1));
    show_access("far below", read(top - 64 * MIB));
    let below = top - 2 * MIB;
    unmap(below, 2 * MIB).expect("to unmap");

    let base = map(AREA, PAGE, RW, FIXED | l::MAP_GROWSDOWN).expect("memory");
    let blocker = AREA - 300 * PAGE;
    map(blocker, PAGE, RW, FIXED).expect("memory");
    show_access("outside the guard gap", read(base - 40 * PAGE));
    show_access("in the guard gap", read(base - 60 * PAGE));
    unmap(blocker, 301 * PAGE).expect("to unmap");
}

/// The program's own stack, that has room for hundreds of megabytes below it on both systems.
fn the_stack() {
    let here = 0u8;
    let here = &raw const here as usize;
    limit_stack(MIB);
    show_access("stack, 200 KiB down", read(here - 200 * 1024));
    show_access(
        "stack, 900 KiB down",
        write(here - 900 * 1024, 1).map(|()| 0),
    );
    show_access("stack, 1100 KiB down", read(here - 1100 * 1024));
    limit_stack(4 * MIB);
    show_access("stack, with a higher limit", read(here - 1100 * 1024));
    show_access("stack, 3 MiB down", read(here - 3 * MIB));
    show_access("stack, 5 MiB down", read(here - 5 * MIB));
}

/// A file of one page and a half of letters.
fn create(path: &str) -> File {
    let mut options = OpenOptions::new();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
        .expect("a file in /tmp");
    file.write_all(&[b'f'; PAGE + PAGE / 2]).expect("room");
    file
}

fn map_of(file: &File, pages: usize, rights: i32, flags: i32, offset: usize) -> usize {
    let file = file.as_raw_fd() as usize;
    map_file(0, pages * PAGE, rights, flags, file, offset).expect("a mapping")
}

fn byte_of(file: &File, offset: usize) -> char {
    let mut byte = [0];
    match file.read_at(&mut byte, offset as u64) {
        Ok(1) => char::from(byte[0]),
        _ => '!',
    }
}

fn file_private(path: &str) {
    let file = create(path);
    let base = map_of(&file, 4, RW, l::MAP_PRIVATE, 0);
    println!("private: {}", picture(base, 4));
    show_access("last byte", read(base + PAGE + PAGE / 2 - 1));
    show_access("after the last byte", read(base + PAGE + PAGE / 2));
    show_access("end of the last page", read(base + 2 * PAGE - 1));
    show_access("beyond the end", read(base + 2 * PAGE));
    show_access(
        "beyond the end, written",
        write(base + 3 * PAGE, 1).map(|()| 0),
    );
    fill(base, "ab");
    println!(
        "written: {}, file: {}{}",
        picture(base, 4),
        byte_of(&file, 0),
        byte_of(&file, PAGE)
    );
    file.write_at(b"x", 0).expect("room");
    println!(
        "file written: {}, file: {}",
        picture(base, 4),
        byte_of(&file, 0)
    );
    let second = map_of(&file, 1, l::PROT_READ, l::MAP_PRIVATE, PAGE);
    println!("second page: {}", picture(second, 1));
    fs::remove_file(path).expect("to remove it");
    drop(file);
    println!(
        "without the file: {} {}",
        picture(base, 4),
        picture(second, 1)
    );
    unmap(second, PAGE).expect("to unmap");
    unmap(base, 4 * PAGE).expect("to unmap");
}

fn file_shared(path: &str) {
    let file = create(path);
    let base = map_of(&file, 2, RW, l::MAP_SHARED, 0);
    let twin = map_of(&file, 2, l::PROT_READ, l::MAP_SHARED, 0);
    let private = map_of(&file, 2, RW, l::MAP_PRIVATE, 0);
    println!("shared: {} {}", picture(base, 2), picture(private, 2));
    write(private + PAGE, b'p').expect("a writable page");
    fill(base, "ab");
    println!("written: {} {}", picture(base, 2), picture(twin, 2));
    println!("private: {}", picture(private + PAGE, 1));
    println!("file: {}{}", byte_of(&file, 0), byte_of(&file, PAGE));
    file.write_at(b"x", PAGE as u64).expect("room");
    println!("file written: {} {}", picture(base, 2), picture(twin, 2));
    show(
        "msync",
        call(l::SYS_msync, [base, 2 * PAGE, l::MS_SYNC as usize]),
    );
    show_access("not to be written", write(twin, 1).map(|()| 0));
    fs::remove_file(path).expect("to remove it");
    fill(base, "cd");
    println!(
        "removed: {} {}{}",
        picture(twin, 2),
        byte_of(&file, 0),
        byte_of(&file, PAGE)
    );
    for at in [base, twin, private] {
        unmap(at, 2 * PAGE).expect("to unmap");
    }
    println!("unmapped: {}{}", byte_of(&file, 0), byte_of(&file, PAGE));
}

/// The end of a file moves below a mapping.
fn file_ends(path: &str) {
    let file = create(path);
    let base = map_of(&file, 3, RW, l::MAP_SHARED, 0);
    fill(base, "ab");
    println!("two pages: {}", picture(base, 3));
    file.set_len(3 * PAGE as u64).expect("room");
    println!("three pages: {}", picture(base, 3));
    file.set_len(1).expect("a shorter file");
    println!("one byte: {}", picture(base, 3));
    show_access("after it", read(base + 1));
    show_access("beyond the end", read(base + PAGE));
    file.set_len(2 * PAGE as u64).expect("room");
    println!("two pages: {}", picture(base, 3));
    file.set_len(0).expect("a shorter file");
    println!("nothing: {}", picture(base, 3));
    unmap(base, 3 * PAGE).expect("to unmap");
    fs::remove_file(path).expect("to remove it");
}
