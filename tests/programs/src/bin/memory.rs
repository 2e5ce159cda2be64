//! Memory calls and what programs see of memory: mappings of nothing and of files, shared and private, their ends and rights.

use braid_test_programs::{Answer, call, show, text};
use libc as l;
use std::fs;

const PAGE: usize = 4096;
const READ: usize = l::PROT_READ as usize;
const BOTH: usize = (l::PROT_READ | l::PROT_WRITE) as usize;
const PRIVATE: i32 = l::MAP_PRIVATE;
const SHARED: i32 = l::MAP_SHARED;
const NONE: usize = usize::MAX;

fn main() {
    anonymous();
    fixed();
    wrong();
    rights();
    splitting();
    moving();
    advising();
    growing();
    forking();
    private_files();
    shared_files();
    unlinked();
    ends();
    breaking();
}

fn map(at: usize, len: usize, rights: usize, flags: i32, fd: usize, offset: usize) -> Answer {
    call(l::SYS_mmap, [at, len, rights, flags as usize, fd, offset])
}

/// A fresh private mapping of `pages` pages.
fn pages(pages: usize) -> usize {
    map(0, pages * PAGE, BOTH, PRIVATE | l::MAP_ANONYMOUS, NONE, 0).expect("memory")
}

fn unmap(at: usize, len: usize) -> Answer {
    call(l::SYS_munmap, [at, len])
}

fn protect(at: usize, len: usize, rights: usize) -> Answer {
    call(l::SYS_mprotect, [at, len, rights])
}

fn get(at: usize) -> u8 {
    // SAFETY: P2.
    unsafe { std::ptr::with_exposed_provenance::<u8>(at).read_volatile() }
}

fn set(at: usize, value: u8) {
    // SAFETY: P2.
    unsafe { std::ptr::with_exposed_provenance_mut::<u8>(at).write_volatile(value) }
}

/// What happens to a child that does this: its exit status, or the signal that ends it plus 1000.
fn attempt(way: impl FnOnce() -> u8) -> usize {
    // SAFETY: P4.
    let child = unsafe { l::fork() };
    if child == 0 {
        // SAFETY: P3, no handlers of Rust's any more.
        unsafe {
            l::signal(l::SIGSEGV, l::SIG_DFL);
            l::signal(l::SIGBUS, l::SIG_DFL);
        }
        std::process::exit(way().into());
    }
    let mut status = 0usize;
    call(
        l::SYS_wait4,
        [child as usize, &raw mut status as usize, 0, 0],
    )
    .expect("the child");
    if status & 0x7f == 0 {
        status >> 8
    } else {
        1000 + (status & 0x7f)
    }
}

fn anonymous() {
    let at = pages(4);
    println!(
        "zero: {}",
        (0..4 * PAGE).all(|offset| get(at + offset) == 0)
    );
    set(at + 3 * PAGE, 9);
    println!("kept: {}", get(at + 3 * PAGE));
    show("unmap middle", unmap(at + PAGE, PAGE));
    println!("touch hole: {}", attempt(|| get(at + PAGE)));
    println!("touch rest: {}", attempt(|| get(at + 3 * PAGE)));
    show("unmap all", unmap(at, 4 * PAGE));
    show("unmap nothing", unmap(at, 4 * PAGE));
    println!("touch: {}", attempt(|| get(at)));
}

fn fixed() {
    let at = pages(8);
    set(at + 2 * PAGE, 5);
    let flags = PRIVATE | l::MAP_ANONYMOUS | l::MAP_FIXED;
    show(
        "replace",
        map(at + 2 * PAGE, PAGE, BOTH, flags, NONE, 0).map(|there| there - at),
    );
    println!("fresh: {}", get(at + 2 * PAGE));
    let gentle = PRIVATE | l::MAP_ANONYMOUS | l::MAP_FIXED_NOREPLACE;
    show("occupied", map(at + 3 * PAGE, PAGE, BOTH, gentle, NONE, 0));
    show("unmap", unmap(at + 3 * PAGE, PAGE));
    show(
        "free",
        map(at + 3 * PAGE, PAGE, BOTH, gentle, NONE, 0).map(|there| there - at),
    );
    show(
        "hint taken",
        map(at, PAGE, BOTH, PRIVATE | l::MAP_ANONYMOUS, NONE, 0)
            .map(|there| usize::from(there == at)),
    );
    show("unmap", unmap(at + 4 * PAGE, PAGE));
    show(
        "hint free",
        map(
            at + 4 * PAGE,
            PAGE,
            BOTH,
            PRIVATE | l::MAP_ANONYMOUS,
            NONE,
            0,
        )
        .map(|there| there - at),
    );
    show("unmap", unmap(at, 8 * PAGE));
}

fn wrong() {
    let anonymous = PRIVATE | l::MAP_ANONYMOUS;
    show("no length", map(0, 0, BOTH, anonymous, NONE, 0));
    show("no kind", map(0, PAGE, BOTH, l::MAP_ANONYMOUS, NONE, 0));
    show(
        "unaligned",
        map(PAGE + 1, PAGE, BOTH, anonymous | l::MAP_FIXED, NONE, 0),
    );
    show(
        "beyond",
        map(1 << 47, PAGE, BOTH, anonymous | l::MAP_FIXED, NONE, 0),
    );
    show("huge", map(0, 1 << 60, BOTH, anonymous, NONE, 0));
    show("wraps", map(0, usize::MAX, BOTH, anonymous, NONE, 0));
    show("bad descriptor", map(0, PAGE, READ, PRIVATE, 999, 0));
    show("unaligned offset", map(0, PAGE, READ, PRIVATE, 0, 5));
    show("unmap unaligned", unmap(1, PAGE));
    show("unmap no length", unmap(PAGE, 0));
    show("unmap beyond", unmap(1 << 47, PAGE));
    show("protect unaligned", protect(1, PAGE, READ));
    show("protect nothing", protect(0x10_0000, PAGE, READ));
    show("protect no length", protect(0x10_0000, 0, READ));
    show(
        "sync nothing",
        call(l::SYS_msync, [0x10_0000, PAGE, l::MS_SYNC as usize]),
    );
    let mut ends = [0i32; 2];
    show("pipe", call(l::SYS_pipe, [ends.as_mut_ptr() as usize]));
    show("map pipe", map(0, PAGE, READ, PRIVATE, ends[0] as usize, 0));
}

fn rights() {
    let at = pages(3);
    set(at, 1);
    show("read only", protect(at, PAGE, READ));
    println!("read: {}", attempt(|| get(at)));
    println!(
        "write: {}",
        attempt(|| {
            set(at, 2);
            0
        })
    );
    show("none", protect(at + PAGE, PAGE, 0));
    println!("read: {}", attempt(|| get(at + PAGE)));
    show("both again", protect(at, 3 * PAGE, BOTH));
    println!(
        "write: {}",
        attempt(|| {
            set(at, 2);
            0
        })
    );
    set(at + 2 * PAGE, 0xc3);
    let run = || {
        // SAFETY: P2 for the bytes, which are a `ret`; when they may not be executed the process ends.
        let function: extern "C" fn() = unsafe { std::mem::transmute(at + 2 * PAGE) };
        function();
        0
    };
    println!("execute: {}", attempt(run));
    show(
        "executable",
        protect(at + 2 * PAGE, PAGE, READ | l::PROT_EXEC as usize),
    );
    println!("execute: {}", attempt(run));
    println!(
        "write: {}",
        attempt(|| {
            set(at + 2 * PAGE, 2);
            0
        })
    );
    show("unmap", unmap(at, 3 * PAGE));
}

fn splitting() {
    let at = pages(16);
    (0..16).for_each(|page| set(at + page * PAGE, page as u8));
    show(
        "protect odd pages",
        (1..16)
            .step_by(2)
            .try_fold(0, |_, page| protect(at + page * PAGE, PAGE, READ)),
    );
    println!(
        "{:?}",
        (0..16)
            .map(|page| get(at + page * PAGE))
            .collect::<Vec<_>>()
    );
    show("unmap across", unmap(at + 3 * PAGE, 5 * PAGE));
    show(
        "protect over a hole",
        protect(at + 2 * PAGE, 14 * PAGE, READ),
    );
    show("unmap", unmap(at, 16 * PAGE));
}

fn moving() {
    let remap = |at: usize, old: usize, new: usize, flags: i32, to: usize| {
        call(l::SYS_mremap, [at, old, new, flags as usize, to])
    };
    let at = pages(4);
    (0..4).for_each(|page| set(at + page * PAGE, page as u8 + 1));
    show(
        "shrink",
        remap(at, 4 * PAGE, 2 * PAGE, 0, 0).map(|to| to - at),
    );
    println!("gone: {}", attempt(|| get(at + 2 * PAGE)));
    let grown = remap(at, 2 * PAGE, 64 * PAGE, l::MREMAP_MAYMOVE, 0).expect("to grow");
    println!(
        "{} {} {}",
        get(grown),
        get(grown + PAGE),
        get(grown + 63 * PAGE)
    );
    let target = pages(64);
    let flags = l::MREMAP_MAYMOVE | l::MREMAP_FIXED;
    show(
        "move",
        remap(grown, 64 * PAGE, 64 * PAGE, flags, target).map(|to| usize::from(to == target)),
    );
    println!(
        "{} {}, old {}",
        get(target),
        get(target + PAGE),
        attempt(|| get(grown))
    );
    show(
        "overlap",
        remap(target, 64 * PAGE, 64 * PAGE, flags, target + PAGE),
    );
    show("unaligned", remap(target + 1, PAGE, PAGE, 0, 0));
    show("no length", remap(target, PAGE, 0, 0, 0));
    show(
        "nothing there",
        remap(0x10_0000, PAGE, 2 * PAGE, l::MREMAP_MAYMOVE, 0),
    );
    show("unmap", unmap(target, 64 * PAGE));
}

fn advising() {
    let advise =
        |at: usize, len: usize, advice: i32| call(l::SYS_madvise, [at, len, advice as usize]);
    let at = pages(4);
    set(at + PAGE, 7);
    show("don't need", advise(at, 4 * PAGE, l::MADV_DONTNEED));
    println!("zero again: {}", get(at + PAGE));
    show("will need", advise(at, 4 * PAGE, l::MADV_WILLNEED));
    show("unaligned", advise(at + 1, PAGE, l::MADV_DONTNEED));
    show("nonsense", advise(at, PAGE, 999));
    show("unmap", unmap(at + 2 * PAGE, PAGE));
    show(
        "don't need over a hole",
        advise(at, 4 * PAGE, l::MADV_DONTNEED),
    );
    let mut resident = [9u8; 4];
    set(at, 1);
    show(
        "mincore",
        call(
            l::SYS_mincore,
            [at, 2 * PAGE, resident.as_mut_ptr() as usize],
        ),
    );
    println!("{} {}", resident[0] & 1, resident[1] & 1);
    show(
        "mincore hole",
        call(
            l::SYS_mincore,
            [at, 4 * PAGE, resident.as_mut_ptr() as usize],
        ),
    );
    show("unmap", unmap(at, 4 * PAGE));
}

/// The stack grows down to its limit, and no further.
fn growing() {
    fn deep(bytes: usize) -> u8 {
        let block = [1u8; 8192];
        let block = std::hint::black_box(&block);
        if bytes <= block.len() {
            block[0]
        } else {
            deep(bytes - block.len()) | block[17]
        }
    }
    println!("6 MiB of stack: {}", attempt(|| deep(6 << 20)));
    println!("20 MiB of stack: {}", attempt(|| deep(20 << 20)));
    let limit = [16usize << 20, 64 << 20];
    println!(
        "with a larger limit: {}",
        attempt(|| {
            let raised = call(
                l::SYS_prlimit64,
                [0, l::RLIMIT_STACK as usize, limit.as_ptr() as usize, 0],
            );
            u8::from(raised.is_err()) * 50 + deep(12 << 20)
        })
    );
}

fn forking() {
    let private = pages(2);
    let shared = map(0, 2 * PAGE, BOTH, SHARED | l::MAP_ANONYMOUS, NONE, 0).expect("memory");
    set(private, 1);
    set(shared, 1);
    println!(
        "child: {}",
        attempt(|| {
            set(private, 2);
            set(shared, 2);
            set(shared + PAGE, 3);
            get(private) + get(shared)
        })
    );
    println!(
        "parent: private {}, shared {} {}",
        get(private),
        get(shared),
        get(shared + PAGE)
    );
    show("unmap", unmap(private, 2 * PAGE));
    show("unmap", unmap(shared, 2 * PAGE));
}

/// A file in `/tmp` of `len` bytes, each its offset, and its descriptor.
fn file(name: &str, len: usize) -> (String, usize) {
    let path = format!("/tmp/memory-{}-{name}", std::process::id());
    fs::write(
        &path,
        (0..len).map(|offset| offset as u8).collect::<Vec<_>>(),
    )
    .expect("a file");
    let name = text(&path);
    let fd =
        call(l::SYS_open, [name.as_ptr() as usize, l::O_RDWR as usize, 0]).expect("to open it");
    (path, fd)
}

fn private_files() {
    let (path, fd) = file("private", 3 * PAGE + 100);
    let at = map(0, 4 * PAGE, BOTH, PRIVATE, fd, 0).expect("a mapping");
    println!(
        "{} {} {}",
        get(at + 5),
        get(at + 3 * PAGE + 99),
        get(at + 3 * PAGE + 100)
    );
    set(at + 5, 77);
    println!(
        "mapping {}, file {}",
        get(at + 5),
        fs::read(&path).expect("the file")[5]
    );
    let second = map(0, PAGE, READ, PRIVATE, fd, 2 * PAGE).expect("a mapping");
    println!("{}", get(second + 3));
    println!(
        "write to read-only: {}",
        attempt(|| {
            set(second, 1);
            0
        })
    );
    fs::remove_file(path).expect("to remove it");
    call(l::SYS_close, [fd]).expect("to close");
    println!("still there: {} {}", get(at + 6), get(at + 5));
    show("unmap", unmap(at, 4 * PAGE));
    show("unmap", unmap(second, PAGE));
}

/// Shared mappings, read and write show one content.
fn shared_files() {
    let (path, fd) = file("shared", 2 * PAGE);
    let at = map(0, 2 * PAGE, BOTH, SHARED, fd, 0).expect("a mapping");
    let again = map(0, PAGE, READ, SHARED, fd, PAGE).expect("a mapping");
    set(at + PAGE + 1, 200);
    println!(
        "{} {}",
        get(again + 1),
        fs::read(&path).expect("the file")[PAGE + 1]
    );
    call(l::SYS_pwrite64, [fd, b"xyz".as_ptr() as usize, 3, PAGE]).expect("to write");
    println!("{} {}", get(again), get(at + PAGE + 2));
    println!(
        "child: {}",
        attempt(|| {
            set(at, 42);
            get(again)
        })
    );
    println!(
        "parent: {} {}",
        get(at),
        fs::read(&path).expect("the file")[0]
    );
    show(
        "sync",
        call(l::SYS_msync, [at, 2 * PAGE, l::MS_SYNC as usize]),
    );
    let name = text(&path);
    let only = call(
        l::SYS_open,
        [name.as_ptr() as usize, l::O_RDONLY as usize, 0],
    )
    .expect("to open it");
    show("writable of read-only", map(0, PAGE, BOTH, SHARED, only, 0));
    show(
        "private of read-only",
        map(0, PAGE, BOTH, PRIVATE, only, 0).map(|_| 0),
    );
    let shared = map(0, PAGE, READ, SHARED, only, 0).expect("a mapping");
    show("made writable later", protect(shared, PAGE, BOTH));
    let name = text(&path);
    let writes = call(
        l::SYS_open,
        [name.as_ptr() as usize, l::O_WRONLY as usize, 0],
    )
    .expect("to open it");
    show("of write-only", map(0, PAGE, READ, SHARED, writes, 0));
    fs::remove_file(path).expect("to remove it");
    show("unmap", unmap(at, 2 * PAGE));
}

fn unlinked() {
    let (path, fd) = file("unlinked", PAGE);
    fs::remove_file(&path).expect("to remove it");
    let at = map(0, PAGE, BOTH, SHARED, fd, 0).expect("a mapping");
    set(at + 9, 99);
    let mut byte = 0u8;
    show(
        "read",
        call(l::SYS_pread64, [fd, &raw mut byte as usize, 1, 9]),
    );
    println!("{byte}");
    show("unmap", unmap(at, PAGE));
}

/// Beyond the end of a file is SIGBUS; what a truncation takes away is gone from mappings.
fn ends() {
    let (path, fd) = file("ends", PAGE + 10);
    let at = map(0, 4 * PAGE, BOTH, SHARED, fd, 0).expect("a mapping");
    println!(
        "tail: {}, beyond: {}",
        get(at + PAGE + 10),
        attempt(|| get(at + 2 * PAGE))
    );
    show("extend", call(l::SYS_ftruncate, [fd, 3 * PAGE]));
    println!("extended: {}", attempt(|| get(at + 2 * PAGE)));
    set(at + PAGE, 50);
    show("cut", call(l::SYS_ftruncate, [fd, 100]));
    println!(
        "first page: {}, second: {}",
        attempt(|| get(at + 50)),
        attempt(|| get(at + PAGE))
    );
    println!("after the cut: {}", get(at + 200));
    show("extend", call(l::SYS_ftruncate, [fd, 2 * PAGE]));
    println!("zero again: {}", attempt(|| get(at + PAGE)));
    fs::remove_file(path).expect("to remove it");
    show("unmap", unmap(at, 4 * PAGE));
}

fn breaking() {
    let now = call(l::SYS_brk, [0]).expect("the break");
    show(
        "grow",
        call(l::SYS_brk, [now + 10 * PAGE]).map(|to| to - now),
    );
    println!("zero: {}", attempt(|| get(now + 9 * PAGE)));
    show("shrink", call(l::SYS_brk, [now + PAGE]).map(|to| to - now));
    println!("gone: {}", attempt(|| get(now + 9 * PAGE)));
    show("refused", call(l::SYS_brk, [1]).map(|to| to - now));
    show("back", call(l::SYS_brk, [now]).map(|to| to - now));
}
