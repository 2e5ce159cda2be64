//! A process moves to torus 1, where another has left only so many pages: `crowded LEFT touch` has it touch all of its memory
//! there, `crowded LEFT back` some of it, and then come back.

use braid_test_programs::children::{fork, pipe, wait};
use braid_test_programs::memory::{PAGE, fresh};
use braid_test_programs::torus::{AVAILABLE, info, migrate, move_to};
use braid_test_programs::{call, error_name, show};
use libc as l;

/// Pages of the process that moves.
const PAGES: usize = 4096;
/// Its exit status when it stays where it is for want of memory.
const REFUSED: i32 = 77;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let [_, left, way] = &words[..] else {
        panic!("crowded LEFT WAY")
    };
    let left = left.parse().expect("a number");
    let back = way == "back";
    let [filled, tell_filled] = pipe();
    let [over, tell_over] = pipe();
    let filler = fork(|| {
        move_to(1);
        let small = Marked::new(16, 5);
        let blocks = fill(left);
        tell(tell_filled);
        hear(over);
        blocks.iter().chain([&small]).for_each(Marked::check);
        0
    });
    hear(filled);
    // Lives there too, and needs nothing more.
    let other = fork(|| {
        let own = Marked::new(16, 3);
        let _ = migrate(0, 1);
        hear(over);
        own.check();
        0
    });
    let ended = wait(fork(|| mover(left, back)));
    println!(
        "{}",
        match ended {
            Ok(0) => "it went on",
            Ok(REFUSED) => "it was refused",
            Ok(-9) => "it was killed",
            _ => panic!("it ended with {ended:?}"),
        }
    );
    tell(tell_over);
    tell(tell_over);
    println!("the one that has the memory: {:?}", wait(filler));
    println!("another: {:?}", wait(other));
    // Now there is room for it.
    println!("it again: {:?}", wait(fork(|| mover(PAGES, false))));
    show("I", migrate(0, 1));
}

/// The process that moves. `left` pages are free there.
fn mover(left: usize, back: bool) -> i32 {
    let memory = Marked::new(PAGES, 1);
    match migrate(0, 1) {
        Ok(_) => {}
        Err(l::ENOMEM) => {
            memory.check();
            return REFUSED;
        }
        Err(error) => panic!("migrate: {}", error_name(error)),
    }
    if back {
        (0..left / 4).for_each(|page| memory.check_page(page));
        move_to(0);
    }
    memory.check();
    0
}

/// Memory of which each page is marked.
struct Marked {
    words: &'static mut [usize],
    mark: usize,
}

impl Marked {
    fn new(pages: usize, mark: usize) -> Self {
        let start = std::ptr::with_exposed_provenance_mut(fresh(pages));
        // SAFETY: P2, nothing else knows the mapping, and it stays.
        let words = unsafe { std::slice::from_raw_parts_mut(start, pages * PAGE / 8) };
        for (index, word) in words.iter_mut().enumerate() {
            *word = index * mark;
        }
        Self { words, mark }
    }

    fn check_page(&self, page: usize) {
        let first = page * PAGE / 8;
        let words = &self.words[first..][..PAGE / 8];
        for (word, index) in words.iter().zip(first..) {
            assert_eq!(*word, index * self.mark, "page {page}");
        }
    }

    fn check(&self) {
        (0..self.words.len() * 8 / PAGE).for_each(|page| self.check_page(page));
    }
}

/// Takes memory of the caller's torus until so many pages are left.
fn fill(left: usize) -> Vec<Marked> {
    let mut blocks = Vec::new();
    while info(AVAILABLE) > left as u64 + 32 {
        blocks.push(Marked::new(16, 7));
    }
    blocks
}

/// Writes a byte to a pipe.
fn tell(end: usize) {
    assert_eq!(call(l::SYS_write, [end, c".".as_ptr() as usize, 1]), Ok(1));
}

/// Waits for a byte of a pipe.
fn hear(end: usize) {
    let mut byte = 0_u8;
    assert_eq!(call(l::SYS_read, [end, &raw mut byte as usize, 1]), Ok(1));
}
