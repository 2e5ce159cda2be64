//! Equal content is in one frame, whoever maps it. Arguments: two files of equal content. Prints what the page cache of the torus
//! made and found. With `pressure` as third argument it then takes most of the memory.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::process::Command;

use braid_test_programs::memory::{PAGE, RW, map_file, read, unmap, write};
use braid_test_programs::torus::{AVAILABLE, CONTENT_FOUND, CONTENT_MADE, growth};

struct Mapped {
    at: usize,
    pages: usize,
}

fn map(path: &str) -> Mapped {
    let file = File::open(path).expect("the file");
    let length = file.metadata().expect("its size").len() as usize;
    let fd = file.as_raw_fd() as usize;
    let at = map_file(0, length, RW, libc::MAP_PRIVATE, fd, 0).expect("mapped");
    Mapped {
        at,
        pages: length.div_ceil(PAGE),
    }
}

impl Mapped {
    /// Reads a byte of each page; their sum.
    fn touch(&self) -> u64 {
        let byte = |page| u64::from(read(self.at + page * PAGE + 9).expect("a page"));
        (0..self.pages).map(byte).sum()
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        unmap(self.at, self.pages * PAGE).expect("unmapped");
    }
}

/// Cached pages make way for private ones, mapped as they are, and come again.
fn pressure(a: &str, b: &str) {
    let file = map(a);
    let other = map(b);
    let sums = [file.touch(), other.touch()];
    println!("sums: {sums:?}");
    let mut memory = Vec::new();
    for byte in 1..=20u8 {
        memory.push(vec![byte; 1 << 20]);
    }
    println!(
        "memory: {}",
        memory
            .iter()
            .all(|part| part.iter().all(|byte| *byte == part[0]))
    );
    drop(memory);
    println!("again: {}", [file.touch(), other.touch()] == sums);
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, a, rest @ ..] = &arguments[..] else {
        panic!("two files")
    };
    if let [b, way] = rest
        && way == "pressure"
    {
        return pressure(a, b);
    }
    let Some(b) = rest.first() else {
        // The second process.
        let mapped = map(a);
        println!("second process: sum {}", mapped.touch());
        return;
    };
    let touch = |mapped: &Mapped, name: &str| {
        let found = growth(CONTENT_FOUND, || {
            let made = growth(CONTENT_MADE, || println!("{name}: sum {}", mapped.touch()));
            println!("{name}: made {made}");
        });
        println!("{name}: found at least one: {}", found > 0);
    };
    // So that its own pages are cached, and do not count.
    let program = std::env::current_exe().expect("a program");
    map(program.to_str().expect("a path")).touch();
    let first = map(a);
    touch(&first, "first");
    let second = map(b);
    touch(&second, "second");
    let again = map(a);
    let frames = growth(AVAILABLE, || touch(&again, "again"));
    println!("again: frames for pages: {}", -frames > 2);
    let made = growth(CONTENT_MADE, || {
        let status = Command::new(program).arg(b).status().expect("a child");
        println!("{status}");
    });
    println!("second process: made {made}");
    write(first.at, b'!').expect("a private page");
    let bytes = [&first, &second, &again].map(|mapped| read(mapped.at).expect("a page"));
    println!("after a write: {bytes:?}");
}
