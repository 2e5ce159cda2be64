//! A torus that lends many pages while nothing is left of its memory: what it notes of each page is taken from the heap, whose end is the
//! end of who has filled the memory, and of nobody else. `lending PAGES LEFT`: so many pages of shared memory are read on torus 1, while
//! so few frames are left on torus 0.

use braid_test_programs::children::{fork, kill, pipe, wait};
use braid_test_programs::memory::{PAGE, RW, fresh, map, read, write};
use braid_test_programs::torus::{AVAILABLE, PROCESSES, info, info_of, move_to};
use braid_test_programs::{call, numbers};
use libc as l;

fn main() {
    let mut numbers = numbers();
    let (Some(pages), Some(left)) = (numbers.next(), numbers.next()) else {
        panic!("lending PAGES LEFT");
    };
    let shared = map(0, pages * PAGE, RW, l::MAP_SHARED | l::MAP_ANONYMOUS).expect("memory");
    for page in 0..pages {
        write(shared + page * PAGE, 1 + page as u8 % 100).expect("a page");
    }
    let [go, says] = pipe();
    let reader = fork(|| {
        move_to(1);
        let mut word = 0_u8;
        call(l::SYS_read, [go, &raw mut word as usize, 1]).expect("read");
        let right =
            (0..pages).filter(|page| read(shared + page * PAGE) == Ok(1 + *page as u8 % 100));
        i32::from(right.count() != pages)
    });
    let filler = fork(|| {
        while info_of(1, PROCESSES) == 0 {
            call(l::SYS_sched_yield, []).expect("yield");
        }
        fill(left);
        call(l::SYS_write, [says, "g".as_ptr() as usize, 1]).expect("write");
        loop {
            std::thread::park();
        }
    });
    println!("reader: {:?}", wait(reader));
    kill(filler, l::SIGKILL).expect("kill");
    println!("filler: {:?}", wait(filler));
}

/// Takes memory until so few frames are left.
fn fill(left: usize) {
    const STEP: usize = 16;
    while info(AVAILABLE) as usize > left + STEP {
        let memory = fresh(STEP);
        for page in 0..STEP {
            write(memory + page * PAGE, 1).expect("a page");
        }
    }
}
