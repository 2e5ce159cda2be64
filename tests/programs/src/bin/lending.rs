//! A torus that lends many pages while nothing is left of its memory: what it notes of each page is taken from the heap, whose end is the
//! end of one who has filled the memory, and of nobody else. `lending PAGES LEFT`: so many pages of shared memory are read on torus 1, while
//! so few frames are left on torus 0.

use braid_test_programs::children::{fork, kill, pipe, wait};
use braid_test_programs::memory::{PAGE, RW, fresh, map, read, write};
use braid_test_programs::torus::{AVAILABLE, PROCESSES, info, info_of, move_to};
use braid_test_programs::{call, numbers};
use libc as l;

/// Processes that fill the memory, one after the other.
const FILLERS: usize = 3;

fn main() {
    let mut numbers = numbers();
    let (Some(pages), Some(left)) = (numbers.next(), numbers.next()) else {
        panic!("lending PAGES LEFT");
    };
    let shared = map(0, pages * PAGE, RW, l::MAP_SHARED | l::MAP_ANONYMOUS).expect("memory");
    for page in 0..pages {
        write(shared + page * PAGE, byte(page)).expect("a page");
    }
    let turns = [(); FILLERS + 1].map(|()| pipe());
    let reader = fork(|| {
        move_to(1);
        begin(turns[FILLERS]);
        let right = (0..pages).filter(|page| read(shared + page * PAGE) == Ok(byte(*page)));
        i32::from(right.count() != pages)
    });
    let fillers = [0, 1, 2].map(|number| {
        fork(|| {
            begin(turns[number]);
            fill(left, FILLERS - number);
            end(turns[number + 1]);
            loop {
                std::thread::park();
            }
        })
    });
    while info_of(1, PROCESSES) == 0 {
        call(l::SYS_sched_yield, []).expect("yield");
    }
    end(turns[0]);
    println!("reader: {:?}", wait(reader));
    let killed = fillers.into_iter().filter(|filler| {
        kill(*filler, l::SIGTERM).expect("kill");
        wait(*filler) == Ok(-l::SIGKILL)
    });
    println!("killed: {} of {FILLERS}", killed.count());
}

const fn byte(page: usize) -> u8 {
    1 + page as u8 % 100
}

/// Waits for one's turn.
fn begin([turn, _]: [usize; 2]) {
    let mut word = 0_u8;
    let read = call(l::SYS_read, [turn, &raw mut word as usize, 1]);
    assert_eq!(read, Ok(1));
}

/// Somebody else's turn begins.
fn end([_, turn]: [usize; 2]) {
    let written = call(l::SYS_write, [turn, "g".as_ptr() as usize, 1]);
    assert_eq!(written, Ok(1));
}

/// Takes one of so many parts of the memory, of which so few frames are to be left.
fn fill(left: usize, parts: usize) {
    const STEP: usize = 16;
    let available = || info(AVAILABLE) as usize;
    let goal = left + available().saturating_sub(left) / parts * (parts - 1);
    while available() > goal + STEP {
        let memory = fresh(STEP);
        for page in 0..STEP {
            write(memory + page * PAGE, 1).expect("a page");
        }
    }
}
