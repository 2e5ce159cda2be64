//! mremap: mappings that grow, shrink, move, and stay behind empty.

use crate::{AREA, FIXED};
use braid_test_programs::memory::{PAGE, RW, fill, map, picture, show_address, unmap, write};
use braid_test_programs::{Answer, call};
use libc as l;

fn remap(address: usize, old: usize, new: usize, flags: i32, to: usize) -> Answer {
    call(
        l::SYS_mremap,
        [address, old * PAGE, new * PAGE, flags as usize, to],
    )
}

pub(crate) fn remapping() {
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

pub(crate) fn remapping_elsewhere() {
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

pub(crate) fn leaving_behind() {
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
