//! What moving costs: fills PAGES pages on torus 0, moves to torus 1, touches all of them (`sequential`, `random`, or `rest`: none)
//! and waits until the others have come; then the same touches again. Prints what both tori counted, and times.

use braid_test_programs::numbers;
use braid_test_programs::torus::{
    DOORBELLS, DOWNTIME, MESSAGES, PAGES_PULLED, PULLS, info_of, move_to, own,
};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Bytes of a page.
const PAGE: usize = 4096;
/// What is counted on both tori.
const COUNTED: [usize; 5] = [DOORBELLS, MESSAGES, PULLS, PAGES_PULLED, DOWNTIME];

fn main() {
    let pages = numbers().next().expect("how many pages?");
    let order = match std::env::args().nth(2).as_deref() {
        Some("sequential") => Order::Sequential(pages),
        Some("random") => Order::Random(shuffled(pages)),
        Some("rest") => Order::Sequential(0),
        other => panic!("{other:?}: in which order?"),
    };
    let mut memory = vec![0_u8; pages * PAGE];
    (0..pages).for_each(|page| memory[page * PAGE] = page as u8);
    let stayed = touch(&memory, &order);
    let before = counted();
    move_to(1);
    let moved = touch(&memory, &order);
    let touched = counted();
    while counted()[3] - before[3] < pages as u64 {
        std::thread::sleep(Duration::from_millis(1));
    }
    // The last messages may not have been answered.
    std::thread::sleep(Duration::from_millis(5));
    let settled = counted();
    assert!((0..pages).all(|page| memory[page * PAGE] == page as u8));
    assert_eq!(own(), 1);
    let during = std::array::from_fn(|index| touched[index] - before[index]);
    let in_all = std::array::from_fn(|index| settled[index] - before[index]);
    say("until all are touched", during);
    say("until all have come", in_all);
    println!("stopped for {} ns", in_all[4]);
    println!(
        "touching all: {} ns after the move, {} ns before it",
        moved.as_nanos(),
        stayed.as_nanos()
    );
}

fn say(when: &str, [doorbells, messages, pulls, pages, _]: [u64; 5]) {
    println!("{when}: {pages} pages, {pulls} pulls, {messages} messages, {doorbells} doorbells");
}

/// In which order pages are touched.
enum Order {
    /// As many of the first pages.
    Sequential(usize),
    Random(Vec<usize>),
}

/// How long it takes to read a byte of each page.
fn touch(memory: &[u8], order: &Order) -> Duration {
    let read = |page: usize| {
        black_box(memory[page * PAGE]);
    };
    let start = Instant::now();
    match order {
        Order::Sequential(pages) => (0..*pages).for_each(read),
        Order::Random(pages) => pages.iter().copied().for_each(read),
    }
    start.elapsed()
}

fn counted() -> [u64; 5] {
    COUNTED.map(|word| info_of(0, word) + info_of(1, word))
}

/// Every page once (Fisher and Yates; random numbers of splitmix64).
fn shuffled(pages: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..pages).collect();
    let mut state = 1_u64;
    for last in (1..pages).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        order.swap(last, (mixed >> 31) as usize % (last + 1));
    }
    order
}
