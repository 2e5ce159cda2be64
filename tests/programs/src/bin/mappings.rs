//! mmap, munmap, mprotect, mremap, madvise, mincore, msync and brk: what each answers, and what is there afterwards.

use braid_test_programs::memory::{
    ANONYMOUS, PAGE, RW, fill, fresh, handle_faults, map, map_file, picture, protect, read,
    show_address, unmap, write,
};
use braid_test_programs::{Answer, call, show, text};
use libc as l;

/// An area where nothing else is.
const AREA: usize = 0x1000_0000_0000;
const FIXED: i32 = ANONYMOUS | l::MAP_FIXED;
const VACANT: i32 = ANONYMOUS | l::MAP_FIXED_NOREPLACE;

fn main() {
    handle_faults();
    mapping();
    odd_flags();
    placement();
    unmapping();
    protecting();
    remapping();
    remapping_elsewhere();
    leaving_behind();
    advice();
    advice_about_forks();
    residency();
    locking();
    syncing();
    heap();
    files();
}

/// Whether it worked, where the address does not matter. Unmaps it again.
fn try_map(name: &str, address: usize, length: usize, rights: i32, flags: i32) {
    let answer = map(address, length, rights, flags);
    if let Ok(at) = answer {
        unmap(at, length).expect("to unmap what was mapped");
    }
    show(&format!("mmap {name}"), answer.map(|_| 0));
}

fn mapping() {
    try_map("length 0", 0, 0, RW, ANONYMOUS);
    try_map("one byte", 0, 1, RW, ANONYMOUS);
    try_map("too long", 0, 1 << 47, RW, ANONYMOUS);
    try_map("all addresses", 0, usize::MAX, RW, ANONYMOUS);
    try_map("neither private nor shared", 0, PAGE, RW, l::MAP_ANONYMOUS);
    try_map("shared", 0, PAGE, RW, l::MAP_ANONYMOUS | l::MAP_SHARED);
    try_map("no rights", 0, PAGE, l::PROT_NONE, ANONYMOUS);
    try_map("all rights", 0, PAGE, RW | l::PROT_EXEC, ANONYMOUS);
    let more = [
        ("MAP_NORESERVE", l::MAP_NORESERVE),
        ("MAP_STACK", l::MAP_STACK),
        ("MAP_POPULATE", l::MAP_POPULATE),
        ("MAP_GROWSDOWN", l::MAP_GROWSDOWN),
    ];
    for (name, flag) in more {
        try_map(name, 0, 4 * PAGE, RW, ANONYMOUS | flag);
    }
    try_map("fixed, unaligned", AREA + 1, PAGE, RW, FIXED);
    try_map("fixed, beyond the end", 1 << 47, PAGE, RW, FIXED);
    try_map(
        "fixed, over the end",
        (1 << 47) - 2 * PAGE,
        4 * PAGE,
        RW,
        FIXED,
    );
    try_map("fixed, the kernel's", usize::MAX << 47, PAGE, RW, FIXED);
    try_map("vacant", AREA, PAGE, RW, VACANT);
    let unaligned = map_file(0, PAGE, RW, ANONYMOUS, usize::MAX, 1);
    show("mmap with an unaligned offset", unaligned.map(|_| 0));
}

fn odd_flags() {
    let anonymous = l::MAP_ANONYMOUS;
    try_map("unknown rights", 0, PAGE, RW | 0x40, ANONYMOUS);
    try_map("private and another kind", 0, PAGE, RW, ANONYMOUS | 4);
    try_map(
        "shared and validated",
        0,
        PAGE,
        RW,
        anonymous | l::MAP_SHARED_VALIDATE,
    );
    try_map("unknown flag", 0, PAGE, RW, ANONYMOUS | 1 << 28);
    try_map("too low a hint", 1, PAGE, RW, ANONYMOUS);
    try_map("too high a hint", usize::MAX - PAGE, PAGE, RW, ANONYMOUS);
}

fn placement() {
    let base = AREA;
    show_address("hint", map(base, PAGE, RW, ANONYMOUS), base);
    show_address(
        "hint, unaligned",
        map(base + PAGE + 5, PAGE, RW, ANONYMOUS),
        base,
    );
    let taken = map(base, PAGE, RW, ANONYMOUS).expect("memory");
    println!(
        "hint, taken: {}",
        if taken == base { "there" } else { "elsewhere" }
    );
    unmap(taken, PAGE).expect("to unmap");
    fill(base, "ab");
    show_address("vacant, taken", map(base, PAGE, RW, VACANT), base);
    show_address(
        "vacant, half taken",
        map(base + PAGE, 2 * PAGE, RW, VACANT),
        base,
    );
    show_address("vacant, free", map(base + 2 * PAGE, PAGE, RW, VACANT), base);
    fill(base + 2 * PAGE, "c");
    println!("before: {}", picture(base, 4));
    show_address(
        "fixed, over two",
        map(base + PAGE, 2 * PAGE, RW, FIXED),
        base,
    );
    println!("after: {}", picture(base, 4));
    unmap(base, 4 * PAGE).expect("to unmap");
    let (one, two) = (fresh(3), fresh(3));
    println!("two mappings overlap: {}", one.abs_diff(two) < 3 * PAGE);
    for at in [one, two] {
        unmap(at, 3 * PAGE).expect("to unmap");
    }
}

fn unmapping() {
    let base = map(AREA, 8 * PAGE, RW, FIXED).expect("memory");
    fill(base, "abcdefgh");
    show("munmap, unaligned", unmap(base + 1, PAGE));
    show("munmap, length 0", unmap(base, 0));
    show("munmap, beyond the end", unmap(1 << 47, PAGE));
    show("munmap, wraps around", unmap(base, usize::MAX));
    show("munmap, in the middle", unmap(base + 2 * PAGE, 2 * PAGE));
    println!("{}", picture(base, 8));
    show("munmap, one byte", unmap(base + 6 * PAGE, 1));
    println!("{}", picture(base, 8));
    show("munmap, again", unmap(base + 2 * PAGE, 2 * PAGE));
    show(
        "mmap into the hole",
        map(base + 2 * PAGE, PAGE, RW, VACANT).map(|_| 0),
    );
    println!("{}", picture(base, 8));
    show("munmap, with holes", unmap(base, 8 * PAGE));
    println!("{}", picture(base, 8));
    show("munmap, nothing", unmap(base, 8 * PAGE));
}

fn protecting() {
    let base = map(AREA, 6 * PAGE, RW, FIXED).expect("memory");
    fill(base, "abcdef");
    show("mprotect, unaligned", protect(base + 1, PAGE, RW));
    show("mprotect, length 0", protect(base, 0, RW));
    show("mprotect, unknown rights", protect(base, PAGE, 0x40));
    show(
        "mprotect, nothing there",
        protect(base + 8 * PAGE, PAGE, RW),
    );
    show(
        "mprotect, to read",
        protect(base + PAGE, PAGE, l::PROT_READ),
    );
    println!("write: {}", write(base + PAGE, b'x').is_ok());
    show(
        "mprotect, to nothing",
        protect(base + 2 * PAGE, 2 * PAGE, l::PROT_NONE),
    );
    println!("{}", picture(base, 6));
    show("mprotect, all to write", protect(base, 6 * PAGE, RW));
    println!("{}", picture(base, 6));
    fill(base, "ABCDEF");
    println!("{}", picture(base, 6));
    unmap(base + 3 * PAGE, PAGE).expect("to unmap");
    show(
        "mprotect, over a hole",
        protect(base + 4 * PAGE, 4 * PAGE, RW),
    );
    show(
        "mprotect, up to a hole",
        protect(base + 2 * PAGE, 3 * PAGE, l::PROT_NONE),
    );
    println!("{}", picture(base, 6));
    unmap(base, 6 * PAGE).expect("to unmap");
}

fn remap(address: usize, old: usize, new: usize, flags: i32, to: usize) -> Answer {
    call(
        l::SYS_mremap,
        [address, old * PAGE, new * PAGE, flags as usize, to],
    )
}

fn remapping() {
    let base = map(AREA, 4 * PAGE, RW, FIXED).expect("memory");
    fill(base, "abcd");
    let show = |name: &str, answer| show_address(&format!("mremap, {name}"), answer, base);
    show("unaligned", call(l::SYS_mremap, [base + 1, PAGE, PAGE, 0]));
    show("to length 0", remap(base, 4, 0, 0, 0));
    show("unknown flag", remap(base, 4, 4, 64, 0));
    show(
        "fixed, but may not move",
        remap(base, 4, 4, l::MREMAP_FIXED, base + 64 * PAGE),
    );
    show(
        "nothing there",
        remap(base + 32 * PAGE, 1, 2, l::MREMAP_MAYMOVE, 0),
    );
    show(
        "old length 0, private",
        remap(base, 0, 4, l::MREMAP_MAYMOVE, 0),
    );
    show("the same", remap(base, 4, 4, 0, 0));
    show("shorter", remap(base, 4, 2, 0, 0));
    println!("{}", picture(base, 6));
    show("longer", remap(base, 2, 5, 0, 0));
    println!("{}", picture(base, 6));
    fill(base + 2 * PAGE, "xyz");
    map(base + 5 * PAGE, PAGE, l::PROT_READ, FIXED).expect("memory");
    show("longer, no room", remap(base, 5, 6, 0, 0));
    show("longer, from the middle", remap(base + PAGE, 2, 8, 0, 0));
    let moved = remap(base, 5, 7, l::MREMAP_MAYMOVE, 0).expect("room");
    println!(
        "moved: {}, {}, then {}",
        moved != base,
        picture(moved, 7),
        picture(base, 6)
    );
    unmap(moved, 7 * PAGE).expect("to unmap");
    unmap(base, 6 * PAGE).expect("to unmap");
}

fn remapping_elsewhere() {
    let base = map(AREA, 4 * PAGE, RW, FIXED).expect("memory");
    fill(base, "abcd");
    let there = base + 16 * PAGE;
    map(there, 4 * PAGE, RW, FIXED).expect("memory");
    fill(there, "wxyz");
    let show = |name: &str, answer| show_address(&format!("mremap, {name}"), answer, base);
    let flags = l::MREMAP_MAYMOVE | l::MREMAP_FIXED;
    show("fixed, unaligned", remap(base, 2, 2, flags, there + 1));
    show("fixed, over itself", remap(base, 2, 2, flags, base + PAGE));
    show("fixed", remap(base + PAGE, 2, 2, flags, there + PAGE));
    println!("{} {}", picture(base, 4), picture(there, 4));
    show("fixed, shorter", remap(there, 4, 1, flags, base + 8 * PAGE));
    println!(
        "{} {} {}",
        picture(base, 4),
        picture(base + 8 * PAGE, 4),
        picture(there, 4)
    );
    unmap(base, 32 * PAGE).expect("to unmap");
    let shared = map(
        AREA,
        2 * PAGE,
        RW,
        l::MAP_SHARED | l::MAP_ANONYMOUS | l::MAP_FIXED,
    );
    let shared = shared.expect("memory");
    fill(shared, "st");
    let twin = remap(shared, 0, 2, l::MREMAP_MAYMOVE, 0).expect("a second mapping");
    write(twin, b'S').expect("a writable page");
    println!("shared twice: {} {}", picture(shared, 2), picture(twin, 2));
    unmap(shared, 2 * PAGE).expect("to unmap");
    println!("shared once: {}", picture(twin, 2));
    unmap(twin, 2 * PAGE).expect("to unmap");
}

fn leaving_behind() {
    let base = map(AREA, 4 * PAGE, RW, FIXED).expect("memory");
    fill(base, "abcd");
    let show = |name: &str, answer| show_address(&format!("mremap, {name}"), answer, base);
    let stays = l::MREMAP_DONTUNMAP;
    show("left behind, may not move", remap(base, 4, 4, stays, 0));
    let flags = stays | l::MREMAP_MAYMOVE;
    show("left behind, longer", remap(base, 2, 3, flags, 0));
    let moved = remap(base + PAGE, 2, 2, flags, 0).expect("room");
    println!("{} {}", picture(base, 4), picture(moved, 2));
    fill(base + PAGE, "xy");
    println!("{} {}", picture(base, 4), picture(moved, 2));
    let flags = flags | l::MREMAP_FIXED;
    let to = base + 16 * PAGE;
    show("left behind, fixed", remap(base, 4, 4, flags, to));
    println!("{} {}", picture(base, 4), picture(to, 4));
    for (at, pages) in [(moved, 2), (base, 20)] {
        unmap(at, pages * PAGE).expect("to unmap");
    }
}

fn advise(address: usize, pages: usize, advice: i32) -> Answer {
    call(l::SYS_madvise, [address, pages * PAGE, advice as usize])
}

fn advice() {
    let base = map(AREA, 4 * PAGE, RW, FIXED).expect("memory");
    fill(base, "abcd");
    show(
        "madvise, unaligned",
        call(l::SYS_madvise, [base + 1, PAGE, 4]),
    );
    show("madvise, unknown", advise(base, 1, 99));
    show("madvise, length 0", advise(base, 0, l::MADV_DONTNEED));
    show(
        "madvise, nothing there",
        advise(base + 8 * PAGE, 1, l::MADV_DONTNEED),
    );
    for advice in [
        l::MADV_NORMAL,
        l::MADV_RANDOM,
        l::MADV_SEQUENTIAL,
        l::MADV_WILLNEED,
    ] {
        show(&format!("madvise {advice}"), advise(base, 4, advice));
    }
    println!("{}", picture(base, 4));
    show(
        "madvise, not needed",
        advise(base + PAGE, 2, l::MADV_DONTNEED),
    );
    println!("{}", picture(base, 4));
    show("madvise, to free", advise(base, 1, l::MADV_FREE));
    fill(base, "e");
    println!("{}", picture(base, 4));
    unmap(base + PAGE, PAGE).expect("to unmap");
    show("madvise, over a hole", advise(base, 4, l::MADV_DONTNEED));
    println!("{}", picture(base, 4));
    unmap(base, 4 * PAGE).expect("to unmap");
    let shared = map(
        AREA,
        PAGE,
        RW,
        l::MAP_SHARED | l::MAP_ANONYMOUS | l::MAP_FIXED,
    );
    let shared = shared.expect("memory");
    fill(shared, "s");
    show(
        "madvise, shared, not needed",
        advise(shared, 1, l::MADV_DONTNEED),
    );
    show("madvise, shared, to free", advise(shared, 1, l::MADV_FREE));
    println!("{}", picture(shared, 1));
    unmap(shared, PAGE).expect("to unmap");
}

fn advice_about_forks() {
    let base = map(AREA, 4 * PAGE, RW, FIXED).expect("memory");
    fill(base, "abcd");
    show("madvise, don't fork", advise(base, 1, l::MADV_DONTFORK));
    show("madvise, wipe", advise(base + 2 * PAGE, 1, 18));
    println!("{}", in_child(base, 4));
    fill(base + 2 * PAGE, "z");
    println!("{} {}", picture(base, 4), in_child(base, 4));
    show("madvise, do fork", advise(base, 1, l::MADV_DOFORK));
    show("madvise, keep", advise(base + 2 * PAGE, 1, 19));
    println!("{}", in_child(base, 4));
    unmap(base, 4 * PAGE).expect("to unmap");
    let flags = l::MAP_SHARED | l::MAP_ANONYMOUS | l::MAP_FIXED;
    map(AREA, PAGE, RW, flags).expect("memory");
    show("madvise, wipe, shared", advise(AREA, 1, 18));
    unmap(AREA, PAGE).expect("to unmap");
}

/// What a child sees.
fn in_child(address: usize, pages: usize) -> String {
    let seen = map(0, PAGE, RW, l::MAP_SHARED | l::MAP_ANONYMOUS).expect("memory");
    // SAFETY: P4.
    let child = unsafe { l::fork() };
    if child == 0 {
        let picture = picture(address, pages);
        for (at, byte) in picture.bytes().enumerate() {
            write(seen + at, byte).expect("a writable page");
        }
        // SAFETY: P1.
        unsafe { l::_exit(0) }
    }
    call(l::SYS_wait4, [child as usize, 0, 0, 0]).expect("a child");
    let bytes = (0..pages).map(|at| char::from(read(seen + at).expect("a page")));
    let picture = bytes.collect();
    unmap(seen, PAGE).expect("to unmap");
    picture
}

fn residency() {
    let base = map(AREA, 6 * PAGE, RW, FIXED).expect("memory");
    let mut vector = [9u8; 6];
    let to = vector.as_mut_ptr() as usize;
    show("mincore", call(l::SYS_mincore, [base, 6 * PAGE, to]));
    println!("untouched: {vector:?}");
    fill(base + PAGE, "b");
    fill(base + 4 * PAGE, "e");
    show(
        "mincore, one byte",
        call(l::SYS_mincore, [base, 5 * PAGE + 1, to]),
    );
    println!("touched: {vector:?}");
    advise(base + PAGE, 1, l::MADV_DONTNEED).expect("advice");
    show("mincore", call(l::SYS_mincore, [base, 6 * PAGE, to]));
    println!("one not needed: {vector:?}");
    show(
        "mincore, unaligned",
        call(l::SYS_mincore, [base + 1, PAGE, to]),
    );
    show(
        "mincore, over the end",
        call(l::SYS_mincore, [base, 7 * PAGE, to]),
    );
    show("mincore, to nowhere", call(l::SYS_mincore, [base, PAGE, 0]));
    unmap(base, 6 * PAGE).expect("to unmap");
}

fn locking() {
    let mut vector = [9u8; 3];
    let to = vector.as_mut_ptr() as usize;
    let tell = |name: &str, base| {
        call(l::SYS_mincore, [base, 3 * PAGE, to]).expect("to look");
        println!("{name}: {vector:?}");
    };
    let base = map(AREA, 3 * PAGE, RW, FIXED | l::MAP_POPULATE).expect("memory");
    tell("populated", base);
    unmap(base, 3 * PAGE).expect("to unmap");
    map(base, 3 * PAGE, RW, FIXED).expect("memory");
    show("mlock", call(l::SYS_mlock, [base + PAGE + 7, 1]));
    tell("locked", base);
    show("munlock", call(l::SYS_munlock, [base + PAGE, PAGE]));
    show("mlock, over the end", call(l::SYS_mlock, [base, 4 * PAGE]));
    show(
        "munlock, over the end",
        call(l::SYS_munlock, [base, 4 * PAGE]),
    );
    unmap(base, 3 * PAGE).expect("to unmap");
}

fn syncing() {
    let base = map(AREA, 2 * PAGE, RW, FIXED).expect("memory");
    let sync = |address, length, flags: i32| call(l::SYS_msync, [address, length, flags as usize]);
    show("msync", sync(base, 2 * PAGE, l::MS_SYNC));
    show("msync, later", sync(base, 2 * PAGE, l::MS_ASYNC));
    show(
        "msync, now and later",
        sync(base, PAGE, l::MS_SYNC | l::MS_ASYNC),
    );
    show("msync, unknown flag", sync(base, PAGE, 64));
    show("msync, unaligned", sync(base + 1, PAGE, l::MS_SYNC));
    show("msync, length 0", sync(base, 0, l::MS_SYNC));
    show("msync, over the end", sync(base, 3 * PAGE, l::MS_SYNC));
    unmap(base, 2 * PAGE).expect("to unmap");
}

/// Moves the break; where it begins is the kernel's choice.
fn heap() {
    let end = |to| call(l::SYS_brk, [to]);
    let start = end(0).expect("a break").next_multiple_of(PAGE);
    show_address("brk, up", end(start + 3 * PAGE), start);
    fill(start, "abc");
    println!("{}", picture(start, 4));
    show_address("brk, not aligned", end(start + PAGE + 1), start);
    println!("{}", picture(start, 4));
    show_address("brk, up again", end(start + 3 * PAGE), start);
    println!("{}", picture(start, 4));
    show_address("brk, too low", end(1), start);
    show_address("brk, too high", end(1 << 47), start);
    map(start + 5 * PAGE, PAGE, l::PROT_READ, VACANT).expect("memory");
    show_address("brk, up to a mapping", end(start + 6 * PAGE), start);
    unmap(start + 5 * PAGE, PAGE).expect("to unmap");
    show_address("brk, back", end(start), start);
    println!("{}", picture(start, 4));
}

/// Which mappings of a file are allowed.
fn files() {
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
    for file in [reader, writer] {
        call(l::SYS_close, [file]).expect("to close");
    }
    std::fs::remove_file(&path).expect("to remove it");
}
