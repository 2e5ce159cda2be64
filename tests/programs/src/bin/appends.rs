//! Processes append to one file at once, each on a torus: every record is there afterwards, in one place, and those of a process in
//! their order.

use braid_test_programs::children::{fork, wait};
use braid_test_programs::torus::{move_to, tori};
use braid_test_programs::{call, show, text};
use libc as l;

const WRITERS: usize = 4;
const RECORDS: usize = 60;
/// A record begins with its writer, its number and its length, and goes on with the writer.
const HEAD: usize = 4;

fn main() {
    let path = format!("/tmp/appends-{}", std::process::id());
    std::fs::write(&path, b"").expect("a file in /tmp");
    let tori = tori();
    for vectors in [false, true] {
        let children: Vec<usize> = (0..WRITERS)
            .map(|writer| {
                fork(|| {
                    move_to(writer % tori);
                    append(&path, writer, vectors);
                    0
                })
            })
            .collect();
        let ends: Vec<_> = children.into_iter().map(wait).collect();
        println!("writers: {ends:?}");
        let bytes = std::fs::read(&path).expect("the file");
        look(&bytes);
        std::fs::write(&path, b"").expect("an empty file");
    }
    positions(&path);
    std::fs::remove_file(&path).expect("to remove it");
}

fn open(path: &str) -> usize {
    let path = text(path);
    let flags = (l::O_RDWR | l::O_APPEND) as usize;
    call(l::SYS_open, [path.as_ptr() as usize, flags]).expect("the file")
}

/// From a few bytes to several pages.
fn length(writer: usize, number: usize) -> usize {
    HEAD + [0, 7, 100, 2048, 4095, 5000, 20_000, 60_000][(writer * 3 + number) % 8]
}

fn append(path: &str, writer: usize, vectors: bool) {
    let file = open(path);
    for number in 0..RECORDS {
        let length = length(writer, number);
        let mut record = vec![b'a' + writer as u8; length];
        record[..2].copy_from_slice(&[writer as u8, number as u8]);
        record[2..HEAD].copy_from_slice(&(length as u16).to_le_bytes());
        let at = record.as_ptr() as usize;
        let answer = if vectors {
            let parts = [at, 3, at + 3, length - 3];
            call(l::SYS_writev, [file, parts.as_ptr() as usize, 2])
        } else {
            call(l::SYS_write, [file, at, length])
        };
        assert_eq!(answer, Ok(length));
    }
    call(l::SYS_close, [file]).expect("to close");
}

/// Reads the records again.
fn look(bytes: &[u8]) {
    let (mut rest, mut next, mut wrong) = (bytes, [0; WRITERS], 0);
    while let [writer, number, low, high, ..] = *rest {
        let (writer, number) = (usize::from(writer), usize::from(number));
        let length = usize::from(u16::from_le_bytes([low, high]));
        if writer >= WRITERS || length < HEAD || length > rest.len() {
            println!("no record at {}", bytes.len() - rest.len());
            return;
        }
        let (record, more) = rest.split_at(length);
        let own = record[HEAD..]
            .iter()
            .all(|&byte| byte == b'a' + writer as u8);
        wrong += usize::from(!own || number != next[writer]);
        next[writer] = number + 1;
        rest = more;
    }
    println!(
        "{} bytes, {next:?} records, {wrong} wrong, {} left",
        bytes.len(),
        rest.len()
    );
}

/// Where an append leaves the file's position.
fn positions(path: &str) {
    std::fs::write(path, b"12345").expect("a file");
    let file = open(path);
    let at = c"abcdef".as_ptr() as usize;
    let position = || call(l::SYS_lseek, [file, 0, l::SEEK_CUR as usize]);
    show("opened at", position());
    show("append", call(l::SYS_write, [file, at, 3]));
    show("now at", position());
    show("to 2", call(l::SYS_lseek, [file, 2, l::SEEK_SET as usize]));
    show("append at 1", call(l::SYS_pwrite64, [file, at, 3, 1]));
    show("still at", position());
    show("append nothing", call(l::SYS_write, [file, at, 0]));
    show("still at", position());
    show("from nowhere", call(l::SYS_write, [file, 8, 3]));
    let half = braid_test_programs::memory::fresh(2);
    braid_test_programs::memory::unmap(half + 4096, 4096).expect("to unmap");
    show("up to a hole", call(l::SYS_write, [file, half + 4090, 30]));
    show("now at", position());
    println!(
        "{:?}",
        std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    );
    call(l::SYS_close, [file]).expect("to close");
}
