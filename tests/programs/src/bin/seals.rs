//! Seals of files in memory (fcntl(2)): what each of them forbids.

use braid_test_programs::children::pipe;
use braid_test_programs::memory::{PAGE, RW, map_file, protect, unmap};
use braid_test_programs::{Answer, call, show, text};
use libc as l;

/// A file of a page and a half.
fn file(flags: u32) -> usize {
    let name = text("sealed");
    let file = call(
        l::SYS_memfd_create,
        [name.as_ptr() as usize, flags as usize],
    )
    .expect("a file");
    call(l::SYS_ftruncate, [file, PAGE + PAGE / 2]).expect("longer");
    file
}

fn sealable() -> usize {
    file(l::MFD_ALLOW_SEALING)
}

fn add(file: usize, seals: i32) -> Answer {
    call(
        l::SYS_fcntl,
        [file, l::F_ADD_SEALS as usize, seals as usize],
    )
}

fn get(file: usize) -> Answer {
    call(l::SYS_fcntl, [file, l::F_GET_SEALS as usize, 0])
}

fn cut(file: usize, to: usize) -> Answer {
    call(l::SYS_ftruncate, [file, to])
}

fn write(file: usize, at: usize, bytes: usize) -> Answer {
    let buffer = vec![7u8; bytes];
    call(l::SYS_pwrite64, [file, buffer.as_ptr() as usize, bytes, at])
}

fn map(file: usize, rights: i32, flags: i32) -> Answer {
    map_file(0, PAGE, rights, flags, file, 0)
}

fn name(answer: Answer) -> Answer {
    answer.map(|_| 0)
}

fn main() {
    let plain = file(0);
    show("not sealable", get(plain));
    show("add", add(plain, l::F_SEAL_WRITE));
    let [from, to] = pipe();
    show("get of a pipe", get(from));
    show("add to a pipe", add(to, l::F_SEAL_GROW));
    show(
        "bad flags",
        call(l::SYS_memfd_create, [text("x").as_ptr() as usize, 0x8000]),
    );

    let shrink = sealable();
    show("none", get(shrink));
    show("unknown", add(shrink, 0x1000));
    show("shrink", add(shrink, l::F_SEAL_SHRINK));
    show("cut", cut(shrink, PAGE));
    show("same", cut(shrink, PAGE + PAGE / 2));
    show("longer", cut(shrink, 2 * PAGE));
    show("written", write(shrink, 3 * PAGE, 10));

    let grow = sealable();
    show("grow", add(grow, l::F_SEAL_GROW));
    show("longer", cut(grow, 2 * PAGE));
    show("within", write(grow, 10, 100));
    show("over the end", write(grow, PAGE + PAGE / 2 - 10, 20));
    show("a page, and over the end", write(grow, PAGE - 10, PAGE));
    show("behind the end", write(grow, 2 * PAGE, 1));
    show("cut", cut(grow, 100));

    let write_seal = sealable();
    let mapped = map(write_seal, RW, l::MAP_SHARED).expect("mapped");
    show("write, mapped", add(write_seal, l::F_SEAL_WRITE));
    protect(mapped, PAGE, l::PROT_READ).expect("protected");
    show(
        "write, mapped for reading by mprotect",
        add(write_seal, l::F_SEAL_WRITE),
    );
    unmap(mapped, PAGE).expect("unmapped");
    let private = map(write_seal, RW, l::MAP_PRIVATE).expect("mapped");
    show("write", add(write_seal, l::F_SEAL_WRITE));
    show("seals", get(write_seal));
    show("written", write(write_seal, 0, 1));
    show(
        "shared for writing",
        name(map(write_seal, RW, l::MAP_SHARED)),
    );
    show(
        "private for writing",
        name(map(write_seal, RW, l::MAP_PRIVATE)),
    );
    show("cut", cut(write_seal, 100));
    unmap(private, PAGE).expect("unmapped");

    let future = sealable();
    let mapped = map(future, RW, l::MAP_SHARED).expect("mapped");
    show("future", add(future, l::F_SEAL_FUTURE_WRITE));
    // SAFETY: P2.
    unsafe { (mapped as *mut u8).write_volatile(5) };
    let mut byte = 0u8;
    show(
        "read",
        call(l::SYS_pread64, [future, &raw mut byte as usize, 1, 0]),
    );
    println!("through the old mapping: {byte}");
    show("written", write(future, 0, 1));
    show("shared for writing", name(map(future, RW, l::MAP_SHARED)));
    let reading = map(future, l::PROT_READ, l::MAP_SHARED).expect("mapped");
    show("made writable", protect(reading, PAGE, RW));
    show("seal", add(future, l::F_SEAL_SEAL));
    show("more", add(future, l::F_SEAL_GROW));
    show("the same again", add(future, l::F_SEAL_FUTURE_WRITE));
    show("seals", get(future));
    let path = text(&format!("/proc/self/fd/{future}"));
    let again = call(l::SYS_open, [path.as_ptr() as usize, l::O_RDONLY as usize]).expect("open");
    show("by a reader", add(again, l::F_SEAL_SHRINK));
}
