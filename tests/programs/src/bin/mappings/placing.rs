//! mmap, munmap and mprotect: where mappings come to lie, how they are cut, and what is refused.

use crate::{AREA, FIXED, VACANT};
use braid_test_programs::memory::{
    ANONYMOUS, PAGE, RW, fill, fresh, map, map_file, picture, protect, show_address, unmap, write,
};
use braid_test_programs::show;
use libc as l;

/// Whether it worked, where the address does not matter. Unmaps it again.
fn try_map(name: &str, address: usize, length: usize, rights: i32, flags: i32) {
    let answer = map(address, length, rights, flags);
    if let Ok(at) = answer {
        unmap(at, length).expect("to unmap what was mapped");
    }
    show(&format!("mmap {name}"), answer.map(|_| 0));
}

pub(crate) fn mapping() {
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

pub(crate) fn odd_flags() {
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

pub(crate) fn placement() {
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

pub(crate) fn unmapping() {
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

pub(crate) fn protecting() {
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

/// A mapping of which every other page has other rights, as many mappings as pages, and a cut across several.
pub(crate) fn splitting() {
    let base = map(AREA, 16 * PAGE, RW, FIXED).expect("memory");
    fill(base, "abcdefghijklmnop");
    for page in (1..16).step_by(2) {
        protect(base + page * PAGE, PAGE, l::PROT_READ).expect("other rights");
    }
    println!("{}", picture(base, 16));
    show("munmap, across five", unmap(base + 3 * PAGE, 5 * PAGE));
    show(
        "mprotect, what is left",
        protect(base + 8 * PAGE, 8 * PAGE, RW),
    );
    write(base + 9 * PAGE, b'J').expect("a writable page");
    println!("{}", picture(base, 16));
    unmap(base, 16 * PAGE).expect("to unmap");
}
