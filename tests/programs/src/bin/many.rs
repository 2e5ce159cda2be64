//! As many mappings as a process may have (Linux: vm.max_map_count, 65530), made, split, forked and ended in several ways.
//! Times go to standard error.

use std::time::Instant;

use braid_test_programs::children::in_child;
use braid_test_programs::memory::{ANONYMOUS, PAGE, RW, map, protect, unmap, write};
use braid_test_programs::{Answer, show};
use libc as l;

/// More than a process may have.
const PLENTY: usize = 70_000;

fn main() {
    measured("map, and end", map_until_refused);
    measured("split, and join", split_and_join);
    measured("unmap from below", || unmap_each(false));
    measured("unmap from above", || unmap_each(true));
    measured("fork", fork_with_many);
}

/// Does the work in a child, whose end is part of it.
fn measured(name: &str, work: impl FnOnce()) {
    let begin = Instant::now();
    let end = in_child(work);
    println!("{name}: {end:?}");
    eprintln!("{name}: {} ms", begin.elapsed().as_millis());
}

/// Maps page by page where the kernel likes, no two neighbours alike, and touches a few: how many, and why no more.
fn fill() -> (usize, Answer) {
    let mut last = 0;
    for count in 0..PLENTY {
        let rights = if count % 2 == 0 { l::PROT_READ } else { RW };
        match map(0, PAGE, rights, ANONYMOUS) {
            Ok(at) => last = at,
            error => {
                // The rest of the program may need a mapping or two.
                for page in 0..16 {
                    unmap(last + page * PAGE, PAGE).expect("to unmap");
                }
                return (count, error);
            }
        }
        if count % 64 == 1 {
            write(last, 1).expect("a writable page");
        }
    }
    (PLENTY, Ok(0))
}

fn map_until_refused() {
    let (count, error) = fill();
    // The program itself has some mappings too.
    println!("as many as allowed: {}", (65000..65535).contains(&count));
    show("then", error);
}

fn split_and_join() {
    let pages = 60_000;
    let base = map(0, pages * PAGE, RW, ANONYMOUS).expect("memory");
    for page in (0..pages).step_by(2) {
        protect(base + page * PAGE, PAGE, l::PROT_READ).expect("a split");
    }
    protect(base, pages * PAGE, RW).expect("to join");
    let half = base + pages / 2 * PAGE;
    unmap(half, PAGE).expect("to unmap");
    unmap(base, pages * PAGE).expect("to unmap");
}

fn unmap_each(from_above: bool) {
    let pages = 60_000;
    let base = map(0, 2 * pages * PAGE, l::PROT_NONE, ANONYMOUS).expect("memory");
    for page in 0..pages {
        let at = if from_above { pages - page } else { page };
        unmap(base + (2 * at + 1) % (2 * pages) * PAGE, PAGE).expect("a hole");
    }
    for page in 0..pages {
        let at = if from_above { pages - 1 - page } else { page };
        unmap(base + 2 * at * PAGE, PAGE).expect("the rest");
    }
}

fn fork_with_many() {
    show("then", fill().1);
    for _ in 0..3 {
        in_child(|| ()).expect("a child");
    }
}
