//! madvise(MADV_WILLNEED): what is there afterwards without a touch; with `ahead pressure`, of what was on the swap disk.

use std::thread::sleep;
use std::time::Duration;

use braid_test_programs::memory::{
    PAGE, RW, fresh, handle_faults, map_file, picture, read, unmap, write,
};
use braid_test_programs::{Answer, call, show, text};
use libc as l;

fn main() {
    handle_faults();
    match std::env::args().nth(1).as_deref() {
        Some("pressure") => pressure(),
        _ => files(),
    }
}

fn will_need(address: usize, pages: usize) -> Answer {
    let advice = l::MADV_WILLNEED as usize;
    call(l::SYS_madvise, [address, pages * PAGE, advice])
}

/// Pages that are present.
fn present(address: usize, pages: usize) -> usize {
    let mut vector = vec![0u8; pages];
    let to = vector.as_mut_ptr() as usize;
    call(l::SYS_mincore, [address, pages * PAGE, to]).expect("to look");
    vector.iter().map(|&byte| usize::from(byte & 1)).sum()
}

fn files() {
    let path = format!("/tmp/ahead-{}", std::process::id());
    let bytes: Vec<u8> = (0..100 * PAGE)
        .map(|at| b'a' + (at / PAGE % 26) as u8)
        .collect();
    std::fs::write(&path, bytes).expect("a file in /tmp");
    let name = text(&path);
    let file = call(l::SYS_open, [name.as_ptr() as usize, l::O_RDWR as usize]).expect("the file");
    for (kind, flags) in [("private", l::MAP_PRIVATE), ("shared", l::MAP_SHARED)] {
        // Two pages more than the file has.
        let base = map_file(0, 102 * PAGE, RW, flags, file, 0).expect("a mapping");
        show(kind, will_need(base, 102));
        println!("there: {}", present(base, 100));
        println!("{}", picture(base + 24 * PAGE, 4));
        write(base, b'!').expect("a writable page");
        println!("beyond the end: {}", picture(base + 98 * PAGE, 4));
        unmap(base, 102 * PAGE).expect("to unmap");
    }
    call(l::SYS_close, [file]).expect("to close");
    std::fs::remove_file(&path).expect("to remove it");
    let base = fresh(64);
    write(base + 3 * PAGE, b'x').expect("a writable page");
    show("anonymous", will_need(base, 64));
    println!("there: {}", present(base, 64));
    show("nothing there", will_need(1 << 44, 4));
    show("all there is", will_need(0x10000, (1 << 34) - 16));
    println!("{}", picture(base, 5));
}

/// Pages that had to make way come back.
fn pressure() {
    const PAGES: usize = 2048;
    const MORE: usize = 12 * 1024;
    let (base, more) = (fresh(PAGES), fresh(MORE));
    let fill = |base: usize, pages: usize| {
        for page in 0..pages {
            write(base + page * PAGE, page as u8 | 1).expect("a writable page");
        }
    };
    fill(base, PAGES);
    fill(more, MORE);
    unmap(more, MORE * PAGE).expect("to unmap");
    println!("all there: {}", present(base, PAGES) == PAGES);
    // A request for which the disk has no room at the moment is not made: ask again.
    while present(base, PAGES) < PAGES {
        will_need(base, PAGES).expect("advice");
        sleep(Duration::from_millis(10));
    }
    println!("all there: {}", present(base, PAGES) == PAGES);
    let right = (0..PAGES).all(|page| read(base + page * PAGE) == Ok(page as u8 | 1));
    println!("as they were: {right}");
}
