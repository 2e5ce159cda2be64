//! The end of memory and of processes: by limits of the process, as on every system, and of the machine.
//!
//! `limits` stays within limits that it sets. `limits hog` takes all memory that the machine has, and `limits bomb`
//! makes as many processes as it can: never on a host.

use std::thread::sleep;
use std::time::Duration;

use braid_test_programs::children::{in_child, kill, try_fork, wait};
use braid_test_programs::memory::{ANONYMOUS, PAGE, RW, map, unmap, write};
use braid_test_programs::{Answer, call, show};
use libc as l;

const MIB: usize = 1 << 20;

fn main() {
    match std::env::args().nth(1).as_deref() {
        None => {
            data();
            address_space();
            allocations();
        }
        Some("hog") => hog(),
        Some("bomb") => bomb(),
        Some(_) => std::process::exit(2),
    }
}

fn limit(resource: i32, value: usize) {
    let limits = [value, value];
    let to = limits.as_ptr() as usize;
    call(l::SYS_prlimit64, [0, resource as usize, to, 0]).expect("a lower limit");
}

/// Maps and unmaps again.
fn try_map(mebibytes: usize) {
    let answer = map(0, mebibytes * MIB, RW, ANONYMOUS);
    if let Ok(at) = answer {
        unmap(at, mebibytes * MIB).expect("to unmap what was mapped");
    }
    show(&format!("mmap {mebibytes} MiB"), answer.map(|_| 0));
}

/// RLIMIT_DATA counts private memory that can be written.
fn data() {
    let child = in_child(|| {
        limit(l::RLIMIT_DATA, 64 * MIB);
        try_map(48);
        try_map(80);
        let shared = l::MAP_SHARED | l::MAP_ANONYMOUS;
        show("shared", map(0, 80 * MIB, RW, shared).map(|_| 0));
        let read = map(0, 80 * MIB, l::PROT_READ, ANONYMOUS);
        show("to read", read.map(|_| 0));
        let end = call(l::SYS_brk, [0]).expect("a break");
        let same = call(l::SYS_brk, [end + 80 * MIB]) == Ok(end);
        println!("brk up 80 MiB: {}", if same { "refused" } else { "done" });
    });
    println!("data: {child:?}");
}

fn address_space() {
    try_map(512);
    limit(l::RLIMIT_AS, 128 * MIB);
    try_map(512);
    try_map(64);
    let base = map(0, 64 * MIB, RW, ANONYMOUS).expect("memory");
    try_map(64);
    let remap = |new: usize| -> Answer {
        let flags = l::MREMAP_MAYMOVE as usize;
        call(l::SYS_mremap, [base, 64 * MIB, new * MIB, flags, 0])
    };
    show("mremap to 256 MiB", remap(256).map(|_| 0));
    unmap(base, 64 * MIB).expect("to unmap");
    try_map(64);
    let end = call(l::SYS_brk, [0]).expect("a break");
    let same = call(l::SYS_brk, [end + 256 * MIB]) == Ok(end);
    println!("brk up 256 MiB: {}", if same { "refused" } else { "done" });
}

/// Rust's allocator gets no for an answer, and can go on.
fn allocations() {
    let mut kept = Vec::new();
    loop {
        let mut piece: Vec<u8> = Vec::new();
        if piece.try_reserve_exact(8 * MIB).is_err() {
            break;
        }
        piece.resize(PAGE, 1);
        kept.push(piece);
    }
    println!("allocated: {}", (10..16).contains(&kept.len()));
    drop(kept);
    let again: Vec<u8> = vec![1; 32 * MIB];
    println!(
        "again: {}",
        again.iter().map(|&byte| usize::from(byte)).sum::<usize>()
    );
}

/// Children that touch memory until there is none. Each ends; this process, which has some too, goes on.
fn hog() {
    let own = map(0, 64 * PAGE, RW, ANONYMOUS).expect("memory");
    for page in 0..64 {
        write(own + page * PAGE, 1).expect("a writable page");
    }
    for round in 0..3 {
        let child = try_fork(|| {
            loop {
                let Ok(base) = map(0, 16 * MIB, RW, ANONYMOUS) else {
                    return 12;
                };
                for page in 0..16 * MIB / PAGE {
                    write(base + page * PAGE, 1).expect("a writable page");
                }
            }
        });
        let end = child.and_then(wait);
        println!("round {round}: {}", end == Ok(12) || end == Ok(-l::SIGKILL));
        println!("afterwards: {:?}", small());
    }
    // SAFETY: P2, memory that was mapped above.
    let sum: usize = (0..64)
        .map(|page| usize::from(unsafe { *((own + page * PAGE) as *const u8) }))
        .sum();
    println!("own memory: {sum}");
}

/// Processes that fork and fork, up to a limit of their number; then up to the machine's.
fn bomb() {
    let tree = in_child(|| {
        limit(l::RLIMIT_NPROC, 24);
        explode(3);
    });
    println!("tree: {tree:?}");
    // The first process gets the orphans of the others.
    while wait(usize::MAX).is_ok() {}
    println!("afterwards: {:?}", small());

    let mut children = Vec::with_capacity(1 << 16);
    let refused = loop {
        match try_fork(|| rest(Duration::from_secs(1000))) {
            Ok(child) => children.push(child),
            Err(error) => break error,
        }
    };
    println!("refused: {}", [l::EAGAIN, l::ENOMEM].contains(&refused));
    for child in &children {
        kill(*child, l::SIGKILL).expect("a child");
    }
    let killed = children
        .iter()
        .filter(|child| wait(**child) == Ok(-l::SIGKILL));
    println!("all killed: {}", killed.count() == children.len());
    println!("more than the tree: {}", children.len() > 24);
    println!("afterwards: {:?}", small());
}

/// An ordinary child's end.
fn small() -> Result<i32, i32> {
    in_child(|| drop(vec![1u8; MIB]))
}

/// Makes children until no more can be made, and children make children.
fn explode(depth: usize) -> i32 {
    for _ in 0..8 {
        if try_fork(|| rest(Duration::from_millis(20))).is_err() {
            break;
        }
        if depth > 0 && try_fork(|| explode(depth - 1)).is_err() {
            break;
        }
    }
    0
}

fn rest(time: Duration) -> i32 {
    sleep(time);
    0
}
