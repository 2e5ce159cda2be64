//! Processes that move between tori, and check their memory and their families as they go.

use braid_test_programs::{Answer, call, show};
use std::io::{BufRead, BufReader, Write};

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

/// Forks; the child does `work` and exits with 0.
fn spawn(work: impl FnOnce()) -> i32 {
    // SAFETY: P4.
    match unsafe { libc::fork() } {
        0 => {
            work();
            std::process::exit(0)
        }
        -1 => panic!("fork: {}", std::io::Error::last_os_error()),
        pid => pid,
    }
}

/// Waits for a child, or for any with -1; answers which, and its wait status.
fn wait(pid: i32) -> (i32, i32) {
    let mut status = 0;
    // SAFETY: P1.
    let pid = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    (pid, status)
}

/// What one process of a storm does: it moves about, changes and checks its memory, and has children that check theirs.
fn restless(moves: u64, seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) | 1);
    let pages = 20 + random.below(60) as usize;
    let mut pattern = Pattern::new(pages);
    let tori = tori() as u64;
    for _ in 0..moves {
        let to = random.below(tori) as usize;
        assert_eq!(migrate(0, to), Ok(0));
        for _ in 0..random.below(6) {
            let page = random.below(pages as u64) as usize;
            pattern.check(page);
            pattern.write(page);
        }
        match random.below(24) {
            0 => {
                let to = random.below(tori) as usize;
                let child = spawn(|| {
                    let _ = migrate(0, to);
                    pattern.check_all();
                });
                pattern.write(random.below(pages as u64) as usize);
                assert_eq!(wait(child), (child, 0));
            }
            1 => {
                // Other memory comes and goes where something may still be on its way.
                let more = Pattern::new(8);
                let _ = migrate(0, random.below(tori) as usize);
                more.check(3);
            }
            2 => pattern.check_all(),
            _ => {}
        }
    }
    pattern.check_all();
}

/// Many processes that move at random; some are killed on the way.
fn storm(processes: u64, moves: u64, seed: u64) {
    let mut random = Random(seed | 1);
    let children: Vec<i32> = (0..processes)
        .map(|number| spawn(|| restless(moves, seed * 1000 + number + 1)))
        .collect();
    let doomed: Vec<i32> = children
        .iter()
        .copied()
        .filter(|_| random.below(8) == 0)
        .collect();
    for pid in &doomed {
        // SAFETY: P1.
        unsafe { libc::kill(*pid, libc::SIGKILL) };
    }
    for pid in &children {
        let (_, status) = wait(*pid);
        let killed = doomed.contains(pid) && status == libc::SIGKILL;
        assert!(status == 0 || killed, "process {pid} ends with {status:#x}");
    }
    println!("{processes} processes, {moves} moves each");
}

/// Moves a child about that computes, and another that waits in a call.
fn push(moves: u64) {
    let mut random = Random(99);
    let tori = tori() as u64;
    let worker = spawn(|| {
        let mut pattern = Pattern::new(50);
        for round in 0..20_000 {
            pattern.check(round % 50);
            pattern.write(round % 50);
        }
        pattern.check_all();
    });
    let sleeper = spawn(|| std::thread::sleep(std::time::Duration::from_millis(300)));
    let mut moved = 0;
    for _ in 0..moves {
        for pid in [worker, sleeper] {
            moved += u64::from(migrate(pid, random.below(tori) as usize).is_ok());
        }
    }
    assert_eq!(wait(worker), (worker, 0));
    assert_eq!(wait(sleeper), (sleeper, 0));
    assert!(moved > 1, "{moved} moves");
    println!("pushed");
}

/// Sends a child around all tori, from wherever it is itself, and asks for what is refused.
fn shepherd(rounds: u64) {
    let mut random = Random(7);
    let tori = tori() as u64;
    let mut sheep = std::process::Command::new(std::env::current_exe().expect("its own path"))
        .arg("follow")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("a child");
    let pid = sheep.id() as i32;
    let mut ask = sheep.stdin.take().expect("a pipe");
    let mut answers = BufReader::new(sheep.stdout.take().expect("a pipe")).lines();
    for _ in 0..rounds {
        let to = random.below(tori) as usize;
        // It may still be arriving from the last move.
        while migrate(pid, to) == Err(libc::EBUSY) {}
        if random.below(2) == 0 {
            assert_eq!(migrate(0, random.below(tori) as usize), Ok(0));
        }
        writeln!(ask, "where").expect("to ask");
        let answer = answers.next().expect("an answer").expect("a line");
        assert_eq!(answer, format!("torus {to}"));
    }
    show("nobody's child", migrate(pid + 7, 0));
    drop(ask);
    assert!(sheep.wait().expect("its end").success());
    show("one that has ended", migrate(pid, 1));
    println!("{rounds} rounds");
}

/// Says where it is when it is asked, and checks its memory each time.
fn follow() {
    let mut pattern = Pattern::new(30);
    for (round, _) in std::io::stdin().lines().enumerate() {
        println!("torus {}", here());
        pattern.check(round % 30);
        pattern.write(round * 7 % 30);
    }
    pattern.check_all();
}

/// Has its memory moved (mremap) while it is elsewhere.
fn grow(torus: usize) {
    let mut pattern = Pattern::new(600);
    assert_eq!(migrate(0, torus), Ok(0));
    pattern.words.reserve_exact(4 << 20);
    pattern.check_all();
    println!("grown");
}

/// Becomes another program on another torus, with pages left behind.
fn become_other(torus: usize) {
    let mut pattern = Pattern::new(40);
    assert_eq!(migrate(0, torus), Ok(0));
    pattern.write(7);
    pattern.check(8);
    let program = std::env::current_exe().expect("its own path");
    let error = std::os::unix::process::CommandExt::exec(
        std::process::Command::new(program).args(["where"]),
    );
    panic!("{error}");
}

/// What is refused.
fn errors() {
    show("a torus that there is not", migrate(0, tori()));
    show("a negative torus", call(MIGRATE, [0, usize::MAX, 0]));
    show("unknown flags", call(MIGRATE, [0, 0, 1 << 20]));
    show("nobody", migrate(99_999, 0));
    show(
        "itself, where it is",
        migrate(std::process::id() as i32, here()),
    );
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
        Some("storm") => storm(number(1, 8), number(2, 100), number(3, 1)),
        Some("push") => push(number(1, 20)),
        Some("shepherd") => shepherd(number(1, 20)),
        Some("follow") => follow(),
        Some("grow") => grow(number(1, 1) as usize),
        Some("exec") => become_other(number(1, 1) as usize),
        Some("where") => println!("torus {}", here()),
        Some("errors") => errors(),
        Some("wander") => wander(number(1, 100), number(2, 64) as usize, number(3, 1)),
        other => panic!("{other:?}: what shall I do?"),
    }
}
