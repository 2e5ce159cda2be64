//! Memory that processes share and go on sharing when they move to other tori. On a kernel without migrate nothing moves, and all is
//! said alike.

use braid_test_programs::memory::{PAGE, RW, handle_faults, map_file, read, unmap, write};
use braid_test_programs::{Answer, call, children, show, vmo};
use libc as l;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

const MIGRATE: i64 = 4097;
const DRAIN: i64 = 4098;
const PAGES: usize = 40;
const SHARED: i32 = l::MAP_SHARED | l::MAP_ANONYMOUS;

fn main() {
    handle_faults();
    match std::env::args().nth(1).as_deref() {
        Some("objects") => return objects(),
        Some("storm") => return storm(),
        _ => {}
    }
    memory();
    families();
    changes();
    files();
    copies();
    ends();
    refusals();
}

/// Moves the caller to a torus; ENOSYS where there are none.
fn go(torus: usize) {
    match call(MIGRATE, [0, torus, 0]) {
        Ok(0) | Err(l::ENOSYS) => {}
        other => println!("migrate to {torus}: {other:?}"),
    }
}

fn fork(f: impl FnOnce()) -> usize {
    children::fork(|| {
        f();
        0
    })
}

fn wait(pid: usize) {
    println!("child: {:?}", children::wait(pid));
}

/// Pages that all share.
#[derive(Clone, Copy)]
struct Shared {
    at: usize,
    pages: usize,
}

impl Shared {
    fn new(pages: usize) -> Self {
        Self::of(map_file(0, pages * PAGE, RW, SHARED, usize::MAX, 0), pages)
    }

    fn of(at: Answer, pages: usize) -> Self {
        let at = at.expect("shared memory");
        Self { at, pages }
    }

    fn word(&self, page: usize, index: usize) -> &AtomicU64 {
        let address = self.at + page * PAGE + index * 8;
        // SAFETY: P1, the pages stay mapped, and all their users use atomics.
        unsafe { &*(address as *const AtomicU64) }
    }

    /// Waits until word 0 of page 0 is `turn`.
    fn await_turn(&self, turn: u64) {
        while self.word(0, 0).load(SeqCst) != turn {
            let _ = call(l::SYS_sched_yield, []);
        }
    }

    fn end_turn(&self) {
        self.word(0, 0).fetch_add(1, SeqCst);
    }

    /// Writes what `turn` writes.
    fn write(&self, turn: u64) {
        for page in 0..self.pages {
            self.word(page, 1).store(turn * 1000 + page as u64, SeqCst);
            self.word(page, 511).fetch_add(turn, SeqCst);
        }
    }

    /// Whether all turns up to `turn` can be seen.
    fn is_right(&self, turn: u64) -> bool {
        (0..self.pages).all(|page| {
            self.word(page, 1).load(SeqCst) == turn * 1000 + page as u64
                && self.word(page, 511).load(SeqCst) == turn * (turn + 1) / 2
        })
    }
}

/// Two processes take turns, while one of them goes around, and back home.
fn turns(shared: Shared, rounds: u64) {
    let child = fork(|| {
        for round in 0..rounds {
            go([1, 2, 0, 1][round as usize % 4]);
            shared.await_turn(2 * round + 1);
            assert!(shared.is_right(2 * round + 1), "round {round} of the child");
            shared.write(2 * round + 2);
            shared.end_turn();
        }
    });
    for round in 0..rounds {
        shared.write(2 * round + 1);
        shared.end_turn();
        shared.await_turn(2 * round + 2);
        assert!(
            shared.is_right(2 * round + 2),
            "round {round} of the parent"
        );
    }
    wait(child);
}

fn memory() {
    let shared = Shared::new(PAGES);
    turns(shared, 8);
    println!("seen: {}", shared.is_right(16));
}

/// A process that has moved forks, and its children move on and back.
fn families() {
    let shared = Shared::new(PAGES);
    let sum = shared.word(3, 7);
    go(1);
    shared.write(1);
    let children: Vec<_> = (0..4)
        .map(|number| {
            fork(|| {
                for torus in [2, 0, 1, number] {
                    go(torus);
                    sum.fetch_add(1, SeqCst);
                    assert!(shared.is_right(1));
                }
            })
        })
        .collect();
    go(2);
    children.into_iter().for_each(wait);
    go(0);
    println!("sum: {}, seen: {}", sum.load(SeqCst), shared.is_right(1));
}

/// What is done to mappings elsewhere: parts go, move, and lose rights.
fn changes() {
    let shared = Shared::new(PAGES);
    shared.write(1);
    let child = fork(|| {
        go(1);
        assert!(shared.is_right(1));
        let moved = Shared::new(8);
        let (old, new) = (shared.at + 8 * PAGE, moved.at);
        let flags = (l::MREMAP_MAYMOVE | l::MREMAP_FIXED) as usize;
        let answer = call(l::SYS_mremap, [old, 8 * PAGE, 8 * PAGE, flags, new]);
        assert_eq!(answer, Ok(new));
        assert_eq!(moved.word(2, 1).load(SeqCst), 1010);
        moved.word(2, 5).store(55, SeqCst);
        show("unmap", unmap(shared.at + 30 * PAGE, 10 * PAGE));
        let rights = l::PROT_READ as usize;
        show("protect", call(l::SYS_mprotect, [shared.at, PAGE, rights]));
        println!("written: {}", write(shared.at, 1).is_ok());
        println!("there: {}", read(shared.at + 30 * PAGE).is_ok());
        go(2);
        println!(
            "read: {:?}, written: {}",
            read(shared.at),
            write(shared.at, 1).is_ok()
        );
        assert_eq!(moved.word(2, 5).load(SeqCst), 55);
    });
    wait(child);
    println!("seen: {}", shared.word(10, 5).load(SeqCst));
}

fn open(name: &str) -> usize {
    let flags = l::O_RDWR | l::O_CREAT | l::O_TRUNC;
    let path = braid_test_programs::text(name);
    call(l::SYS_open, [path.as_ptr() as usize, flags as usize, 0o600]).expect("a file")
}

/// A file that is mapped by one that moves, and cut and extended by one that stays.
fn files() {
    let name = format!("/tmp/shared-{}", std::process::id());
    let file = open(&name);
    let length = PAGES * PAGE;
    show("length", call(l::SYS_ftruncate, [file, length]));
    let shared = Shared::of(map_file(0, length, RW, l::MAP_SHARED, file, 0), PAGES);
    turns(shared, 5);
    // The same bytes by read(2), wherever one is.
    go(1);
    shared.word(6, 2).store(0x1234_5678, SeqCst);
    let mut bytes = [0u8; 8];
    let place = 6 * PAGE + 16;
    let arguments = [file, bytes.as_mut_ptr() as usize, 8, place];
    show("read", call(l::SYS_pread64, arguments));
    println!("bytes: {:#x}", u64::from_ne_bytes(bytes));
    let arguments = [file, b"otherwise".as_ptr() as usize, 8, place];
    show("write", call(l::SYS_pwrite64, arguments));
    println!("word: {:#x}", shared.word(6, 2).load(SeqCst));
    go(0);
    let child = fork(|| {
        go(1);
        assert!(shared.is_right(10));
        shared.end_turn();
        shared.await_turn(12);
        // Cut to 10 pages and a half.
        let picture: String = [9, 10, 11, 20, 39]
            .iter()
            .map(|page| match read(shared.at + page * PAGE + 8) {
                Ok(_) => 'x',
                Err(_) => '!',
            })
            .collect();
        println!("cut: {picture}");
        shared.end_turn();
        shared.await_turn(14);
        println!(
            "again: {:?} {:?}",
            read(shared.at + 10 * PAGE + 2048),
            read(shared.at + 20 * PAGE + 8)
        );
        shared.word(20, 3).store(7, SeqCst);
    });
    shared.await_turn(11);
    show("cut", call(l::SYS_ftruncate, [file, 10 * PAGE + 2048]));
    shared.end_turn();
    shared.await_turn(13);
    show("extended", call(l::SYS_ftruncate, [file, length]));
    shared.end_turn();
    wait(child);
    println!(
        "seen: {} {}",
        shared.word(20, 3).load(SeqCst),
        shared.word(20, 1).load(SeqCst)
    );
    show("close", call(l::SYS_close, [file]));
    std::fs::remove_file(name).expect("to remove it");
}

/// A private mapping of a file keeps what was written, and sees the rest.
fn copies() {
    let name = format!("/tmp/copies-{}", std::process::id());
    std::fs::write(&name, "abcd".repeat(PAGE)).expect("a file");
    let file = open_existing(&name);
    let at = map_file(0, 4 * PAGE, RW, l::MAP_PRIVATE, file, 0).expect("a mapping");
    let see = || -> Vec<_> { (0..4).map(|page| read(at + page * PAGE + 1).ok()).collect() };
    write(at + PAGE + 1, b'X').expect("to write");
    go(1);
    println!("copies: {:?}", see());
    write(at + 2 * PAGE + 1, b'Y').expect("to write");
    go(2);
    println!("copies: {:?}", see());
    let child = fork(|| {
        write(at + 3 * PAGE + 1, b'Z').expect("to write");
        go(0);
        println!("copies: {:?}", see());
    });
    wait(child);
    println!("copies: {:?}", see());
    go(0);
    println!(
        "file: {:?}",
        std::fs::read(&name).map(|bytes| bytes == "abcd".repeat(PAGE).as_bytes())
    );
    show("unmap", unmap(at, 4 * PAGE));
    std::fs::remove_file(name).expect("to remove it");
}

fn open_existing(name: &str) -> usize {
    let path = braid_test_programs::text(name);
    call(l::SYS_open, [path.as_ptr() as usize, l::O_RDWR as usize, 0]).expect("a file")
}

/// Processes end with shared memory mapped elsewhere: by exit, by a signal, by another program.
fn ends() {
    let shared = Shared::new(PAGES);
    let killed = fork(|| {
        go(1);
        shared.write(1);
        shared.end_turn();
        loop {
            let _ = call(l::SYS_sched_yield, []);
        }
    });
    shared.await_turn(1);
    show("kill", children::kill(killed, l::SIGKILL));
    wait(killed);
    let replaced = fork(|| {
        go(2);
        assert!(shared.is_right(1));
        let program = std::env::current_exe().expect("its own path");
        let error = std::os::unix::process::CommandExt::exec(
            std::process::Command::new(program).args(["objects", "none"]),
        );
        panic!("{error}");
    });
    wait(replaced);
    println!("seen: {}", shared.is_right(1));
}

/// A process that is not taken in goes on with what it shares.
fn refusals() {
    let shared = Shared::new(PAGES);
    shared.write(1);
    let drains = call(DRAIN, [1, 0]).is_ok();
    let child = fork(|| {
        assert!(shared.is_right(1));
        let answer = call(MIGRATE, [0, 1, 0]);
        assert_eq!(answer, Err(if drains { l::EAGAIN } else { l::ENOSYS }));
        assert!(shared.is_right(1));
        shared.write(2);
    });
    wait(child);
    let _ = call(DRAIN, [1, 1]);
    println!("seen: {}", shared.is_right(2));
}

/// Memory objects go with the process, page by page and by content.
fn objects() {
    if std::env::args().nth(2).is_some() {
        return;
    }
    let builder = vmo::builder(vmo::STREAMING).expect("a builder");
    let bytes: Vec<u8> = (0..PAGES * PAGE)
        .map(|at| (at / 7 + at / PAGE) as u8)
        .collect();
    let mut bytes = bytes;
    bytes[5 * PAGE..7 * PAGE].fill(0);
    for part in bytes.chunks(64 << 10) {
        vmo::append(builder, part).expect("to append");
    }
    let object = vmo::commit(builder).expect("an object");
    let length = PAGES * PAGE;
    let at = map_file(0, length, RW, l::MAP_PRIVATE, object, 0).expect("a mapping");
    let same = |at: usize| {
        // SAFETY: P1, the object is mapped.
        let seen = unsafe { std::slice::from_raw_parts(at as *const u8, length) };
        seen == bytes
    };
    let child = fork(|| {
        go(1);
        println!("object: {}", same(at));
        write(at + 9 * PAGE, 77).expect("to write");
        let grandchild = fork(|| {
            go(2);
            println!("object: {}", !same(at) && read(at + 9 * PAGE) == Ok(77));
        });
        wait(grandchild);
        go(0);
        println!("object: {}", !same(at) && read(at + 9 * PAGE) == Ok(77));
    });
    wait(child);
    go(1);
    println!("object: {}", same(at));
    // The descriptor has stayed at home; what it names is copied.
    let again = map_file(0, length, l::PROT_READ, l::MAP_PRIVATE, object, 0);
    println!("again: {}", again.is_ok_and(same));
}

/// Many processes that move at random and count in the same pages.
fn storm() {
    let shared = Shared::new(PAGES);
    let children: Vec<_> = (0..6_u64)
        .map(|number| {
            fork(|| {
                let mut state = number * 977 + 5;
                for _ in 0..60 {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    go((state >> 33) as usize % 4);
                    for page in 0..PAGES {
                        shared.word(page, 9).fetch_add(1, SeqCst);
                    }
                }
            })
        })
        .collect();
    children.into_iter().for_each(wait);
    let sums: Vec<_> = (0..PAGES)
        .map(|page| shared.word(page, 9).load(SeqCst))
        .collect();
    println!(
        "all the same: {}, {}",
        sums.iter().all(|sum| *sum == sums[0]),
        sums[0]
    );
}
