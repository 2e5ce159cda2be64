//! mmap, munmap, mprotect, mremap, madvise, mincore, msync and brk: what each answers, and what is there afterwards.

mod advising;
mod files;
mod moving;
mod placing;

use braid_test_programs::call;
use braid_test_programs::memory::{
    ANONYMOUS, PAGE, fill, handle_faults, map, picture, show_address, unmap,
};
use libc as l;

/// An area where nothing else is.
const AREA: usize = 0x1000_0000_0000;
const FIXED: i32 = ANONYMOUS | l::MAP_FIXED;
const VACANT: i32 = ANONYMOUS | l::MAP_FIXED_NOREPLACE;

fn main() {
    handle_faults();
    placing::mapping();
    placing::odd_flags();
    placing::placement();
    placing::unmapping();
    placing::protecting();
    placing::splitting();
    moving::remapping();
    moving::remapping_elsewhere();
    moving::leaving_behind();
    advising::advice();
    advising::advice_about_forks();
    advising::residency();
    advising::locking();
    advising::syncing();
    heap();
    files::allowed();
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
