//! madvise, mincore, mlock and msync: what programs tell of their pages, and ask.

use crate::{AREA, FIXED};
use braid_test_programs::children::in_child;
use braid_test_programs::memory::{PAGE, RW, fill, map, picture, unmap};
use braid_test_programs::{Answer, call, show};
use libc as l;

fn advise(address: usize, pages: usize, advice: i32) -> Answer {
    call(l::SYS_madvise, [address, pages * PAGE, advice as usize])
}

pub(crate) fn advice() {
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

pub(crate) fn advice_about_forks() {
    let base = map(AREA, 4 * PAGE, RW, FIXED).expect("memory");
    fill(base, "abcd");
    show("madvise, don't fork", advise(base, 1, l::MADV_DONTFORK));
    show("madvise, wipe", advise(base + 2 * PAGE, 1, 18));
    show_in_child(base, 4);
    fill(base + 2 * PAGE, "z");
    show_in_child(base, 4);
    show("madvise, do fork", advise(base, 1, l::MADV_DOFORK));
    show("madvise, keep", advise(base + 2 * PAGE, 1, 19));
    show_in_child(base, 4);
    unmap(base, 4 * PAGE).expect("to unmap");
    let flags = l::MAP_SHARED | l::MAP_ANONYMOUS | l::MAP_FIXED;
    map(AREA, PAGE, RW, flags).expect("memory");
    show("madvise, wipe, shared", advise(AREA, 1, 18));
    unmap(AREA, PAGE).expect("to unmap");
}

fn show_in_child(address: usize, pages: usize) {
    let end = in_child(|| println!("child sees {}", picture(address, pages)));
    println!("{end:?}, parent sees {}", picture(address, pages));
}

pub(crate) fn residency() {
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

pub(crate) fn locking() {
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

pub(crate) fn syncing() {
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
