//! Processes that move between tori, and check their memory and their families as they go.

use braid_test_programs::{Answer, call};

const GETCPU: i64 = 309;
const TORUS_INFO: i64 = 4096;
const MIGRATE: i64 = 4097;
const PAGE: usize = 4096;

/// Small, and the same everywhere (xorshift64, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// The torus where this runs.
fn here() -> usize {
    let (mut core, mut torus) = (0_u32, 0_u32);
    let arguments = [&raw mut core as usize, &raw mut torus as usize, 0];
    call(GETCPU, arguments).expect("getcpu");
    torus as usize
}

fn tori() -> usize {
    let mut words = [0_u64; 8];
    let bytes = size_of_val(&words);
    call(TORUS_INFO, [0, words.as_mut_ptr() as usize, bytes]).expect("torus_info");
    words[1] as usize
}

fn migrate(pid: i32, torus: usize) -> Answer {
    call(MIGRATE, [pid as usize, torus, 0])
}

/// What word `index` of a page holds after so many rounds.
fn word(page: usize, index: usize, round: u64) -> u64 {
    (page as u64 * 512 + index as u64 + round).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Memory of which every page says who it is.
struct Pattern {
    words: Vec<u64>,
    rounds: Vec<u64>,
}

impl Pattern {
    fn new(pages: usize) -> Self {
        let mut pattern = Self {
            words: vec![0; pages * PAGE / 8],
            rounds: vec![0; pages],
        };
        (0..pages).for_each(|page| pattern.write(page));
        pattern
    }

    fn write(&mut self, page: usize) {
        self.rounds[page] += 1;
        let words = &mut self.words[page * PAGE / 8..][..PAGE / 8];
        for (index, value) in words.iter_mut().enumerate() {
            *value = word(page, index, self.rounds[page]);
        }
    }

    fn check(&self, page: usize) {
        let words = &self.words[page * PAGE / 8..][..PAGE / 8];
        for (index, value) in words.iter().enumerate() {
            assert_eq!(
                *value,
                word(page, index, self.rounds[page]),
                "page {page}, word {index}"
            );
        }
    }

    fn check_all(&self) {
        (0..self.rounds.len()).for_each(|page| self.check(page));
    }
}

/// Goes around all tori and checks everything at each.
fn around(pages: usize) {
    let mut pattern = Pattern::new(pages);
    let tori = tori();
    let start = here();
    for step in 1..=2 * tori {
        let to = (start + step) % tori;
        assert_eq!(migrate(0, to), Ok(0));
        assert_eq!(here(), to);
        println!("step {step}: torus {to}");
        pattern.check_all();
        (0..pages).step_by(3).for_each(|page| pattern.write(page));
    }
    pattern.check_all();
}

/// Moves at random and touches a little at each place, so that pages are left behind everywhere.
fn wander(moves: u64, pages: usize, seed: u64) {
    let mut random = Random(seed | 1);
    let mut pattern = Pattern::new(pages);
    let tori = tori();
    for _ in 0..moves {
        let to = random.below(tori as u64) as usize;
        assert_eq!(migrate(0, to), Ok(0));
        assert_eq!(here(), to);
        for _ in 0..random.below(8) {
            let page = random.below(pages as u64) as usize;
            pattern.check(page);
            if random.below(2) == 0 {
                pattern.write(page);
            }
        }
    }
    pattern.check_all();
    println!("{moves} moves");
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default: u64| -> u64 {
        words
            .get(index)
            .map_or(default, |word| word.parse().expect("a number"))
    };
    match words.first().map(String::as_str) {
        Some("around") => around(number(1, 64) as usize),
        Some("wander") => wander(number(1, 100), number(2, 64) as usize, number(3, 1)),
        other => panic!("{other:?}: around PAGES, wander MOVES PAGES SEED"),
    }
}
