//! The calls that the parts of the program make.

use braid_test_programs::{Answer, call, error_name, text};
use libc as l;

const MIGRATE: i64 = 4097;

/// Moves the caller to a torus; ENOSYS where there are none.
pub(crate) fn go(torus: usize) {
    match call(MIGRATE, [0, torus, 0]) {
        Ok(0) | Err(l::ENOSYS) => {}
        other => println!("migrate to {torus}: {other:?}"),
    }
}

/// A child that runs `f`, and ends.
pub(crate) fn fork(f: impl FnOnce()) -> usize {
    match call(l::SYS_fork, []).expect("fork") {
        0 => {
            f();
            std::process::exit(0);
        }
        pid => pid,
    }
}

pub(crate) fn wait(pid: usize) {
    let mut status = 0i32;
    let answer = call(l::SYS_wait4, [pid, (&raw mut status) as usize, 0, 0]);
    println!("child: {} {status:#x}", answer == Ok(pid));
}

pub(crate) fn pipe() -> (usize, usize) {
    let mut fds = [0i32; 2];
    call(l::SYS_pipe2, [fds.as_mut_ptr() as usize, 0]).expect("pipe");
    (fds[0] as usize, fds[1] as usize)
}

pub(crate) fn close(fd: usize) {
    call(l::SYS_close, [fd]).expect("close");
}

pub(crate) fn say(name: &str, answer: Answer) {
    match answer {
        Ok(value) => println!("{name}: {value}"),
        Err(number) => println!("{name}: {}", error_name(number)),
    }
}

pub(crate) fn open(path: &str, flags: i32) -> usize {
    let path = text(path);
    let arguments = [path.as_ptr() as usize, flags as usize, 0o600];
    call(l::SYS_open, arguments).expect("open")
}

pub(crate) fn write(fd: usize, bytes: &[u8]) -> Answer {
    call(l::SYS_write, [fd, bytes.as_ptr() as usize, bytes.len()])
}

pub(crate) fn write_all(fd: usize, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let n = write(fd, bytes).expect("write");
        bytes = &bytes[n..];
    }
}

pub(crate) fn read(fd: usize, most: usize) -> Result<Vec<u8>, i32> {
    let mut bytes = vec![0; most];
    let n = call(l::SYS_read, [fd, bytes.as_mut_ptr() as usize, most])?;
    bytes.truncate(n);
    Ok(bytes)
}

pub(crate) fn read_all(fd: usize) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        match read(fd, 10_000).expect("read") {
            part if part.is_empty() => return all,
            part => all.extend(part),
        }
    }
}

pub(crate) fn seek(fd: usize, to: usize, whence: i32) -> Answer {
    call(l::SYS_lseek, [fd, to, whence as usize])
}

pub(crate) fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|i| (i * 31 % 251) as u8).collect()
}
