//! mlock and its kin: what is present, what limits say, and with `locked pressure` what stays when memory is short.

use braid_test_programs::children::in_child;
use braid_test_programs::memory::{ANONYMOUS, PAGE, RW, fresh, map, read, unmap, write};
use braid_test_programs::{Answer, call, show};
use libc as l;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("pressure") => pressure(),
        _ => {
            presence();
            everything();
            inheritance();
            in_child(limits).expect("a child");
        }
    }
}

fn lock(address: usize, pages: usize) -> Answer {
    call(l::SYS_mlock, [address, pages * PAGE])
}

fn unlock(address: usize, pages: usize) -> Answer {
    call(l::SYS_munlock, [address, pages * PAGE])
}

fn advise(address: usize, pages: usize, advice: i32) -> Answer {
    call(l::SYS_madvise, [address, pages * PAGE, advice as usize])
}

/// Pages that are present.
fn present(address: usize, pages: usize) -> usize {
    let mut vector = vec![0u8; pages];
    let to = vector.as_mut_ptr() as usize;
    call(l::SYS_mincore, [address, pages * PAGE, to]).expect("to look");
    vector.iter().map(|&byte| usize::from(byte & 1)).sum()
}

fn presence() {
    let base = fresh(8);
    show("mlock", lock(base + 2 * PAGE, 3));
    println!("present: {}", present(base, 8));
    show("not needed", advise(base, 8, l::MADV_DONTNEED));
    show("to free", advise(base + 3 * PAGE, 1, l::MADV_FREE));
    println!("present: {}", present(base, 8));
    show("munlock", unlock(base + 3 * PAGE, 1));
    show("not needed", advise(base + 3 * PAGE, 1, l::MADV_DONTNEED));
    println!("present: {}", present(base, 8));
    show("munlock, all", unlock(base, 8));
    show("not needed", advise(base, 8, l::MADV_DONTNEED));
    println!("present: {}", present(base, 8));
    let later = |flags: usize| call(l::SYS_mlock2, [base, 8 * PAGE, flags]);
    show("mlock2, unknown flag", later(2));
    show("mlock2, when touched", later(1));
    println!("present: {}", present(base, 8));
    write(base, 1).expect("a writable page");
    println!("present: {}", present(base, 8));
    show("not needed", advise(base, 8, l::MADV_DONTNEED));
    show("mlock2, now", later(0));
    println!("present: {}", present(base, 8));
    unmap(base + 4 * PAGE, PAGE).expect("to unmap");
    show("mlock, over a hole", lock(base, 8));
    show("munlock, over a hole", unlock(base, 8));
    unmap(base, 8 * PAGE).expect("to unmap");
    let locked = map(0, 4 * PAGE, RW, ANONYMOUS | l::MAP_LOCKED).expect("memory");
    println!("MAP_LOCKED: {}", present(locked, 4));
    show("not needed", advise(locked, 4, l::MADV_DONTNEED));
    unmap(locked, 4 * PAGE).expect("to unmap");
}

fn everything() {
    let all = |flags: i32| call(l::SYS_mlockall, [flags as usize]);
    show("mlockall, nothing", all(0));
    show("mlockall, unknown", all(8));
    show("mlockall, only when touched", all(4));
    let base = fresh(4);
    show("mlockall, future", all(l::MCL_FUTURE));
    let next = fresh(4);
    println!("before: {}, after: {}", present(base, 4), present(next, 4));
    show("not needed", advise(next, 4, l::MADV_DONTNEED));
    show("mlockall, current", all(l::MCL_CURRENT));
    let last = fresh(4);
    println!("before: {}, after: {}", present(base, 4), present(last, 4));
    show("munlockall", call(l::SYS_munlockall, []));
    show("not needed", advise(base, 4, l::MADV_DONTNEED));
    println!("before: {}, after: {}", present(base, 4), present(next, 4));
    for at in [base, next, last] {
        unmap(at, 4 * PAGE).expect("to unmap");
    }
}

/// A child has locked nothing.
fn inheritance() {
    let base = fresh(4);
    lock(base, 4).expect("room");
    call(l::SYS_mlockall, [l::MCL_FUTURE as usize]).expect("flags");
    in_child(|| {
        show("in a child", advise(base, 4, l::MADV_DONTNEED));
        println!("not in the future: {}", present(fresh(4), 4));
    })
    .expect("a child");
    show("in the parent", advise(base, 4, l::MADV_DONTNEED));
    call(l::SYS_munlockall, []).expect("nothing to refuse");
    unmap(base, 4 * PAGE).expect("to unmap");
}

/// For somebody who is not root.
fn limits() {
    let limit = |pages: usize| {
        let limits = [pages * PAGE, 64 * PAGE];
        let to = limits.as_ptr() as usize;
        call(l::SYS_prlimit64, [0, l::RLIMIT_MEMLOCK as usize, to, 0]).expect("a limit");
    };
    let _ = call(l::SYS_setresuid, [1000, 1000, 1000]);
    limit(16);
    let base = fresh(64);
    show("within the limit", lock(base, 8));
    show("the same again", lock(base, 8));
    show("up to it", lock(base + 4 * PAGE, 12));
    show("over it", lock(base, 17));
    show("another page", lock(base + 20 * PAGE, 1));
    let locked = || map(0, PAGE, RW, ANONYMOUS | l::MAP_LOCKED).map(|_| 0);
    show("MAP_LOCKED", locked());
    show("mlockall", call(l::SYS_mlockall, [l::MCL_CURRENT as usize]));
    show("munlock", unlock(base, 4));
    show("MAP_LOCKED", locked());
    limit(0);
    show("no limit left", lock(base + 32 * PAGE, 1));
    show("nothing", locked());
    show("munlock", unlock(base, 64));
}

/// More memory than there is, beside a part that is locked.
fn pressure() {
    const LOCKED: usize = 2048;
    const MORE: usize = 12 * 1024;
    let (locked, loose, more) = (fresh(LOCKED), fresh(LOCKED), fresh(MORE));
    let fill = |base: usize, pages: usize, add: usize| {
        for page in 0..pages {
            write(base + page * PAGE, (page + add) as u8).expect("a writable page");
        }
    };
    let right = |base: usize, pages: usize, add: usize| {
        (0..pages).all(|page| read(base + page * PAGE) == Ok((page + add) as u8))
    };
    fill(locked, LOCKED, 1);
    fill(loose, LOCKED, 2);
    show("mlock", lock(locked, LOCKED));
    for round in 0..2 {
        fill(more, MORE, round);
        println!(
            "locked: {}, loose ones are all there: {}",
            present(locked, LOCKED),
            present(loose, LOCKED) == LOCKED
        );
    }
    show("munlock", unlock(locked, LOCKED));
    fill(more, MORE, 3);
    println!("all are there: {}", present(locked, LOCKED) == LOCKED);
    println!(
        "as they were: {} {} {}",
        right(locked, LOCKED, 1),
        right(loose, LOCKED, 2),
        right(more, MORE, 3)
    );
}
