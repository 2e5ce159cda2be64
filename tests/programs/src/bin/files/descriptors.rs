//! Descriptors: copies of them, and pipes.

use crate::{close, open};
use braid_test_programs::{call, show};
use libc as l;

pub(crate) fn descriptors() {
    let fd = open("file", l::O_RDONLY | l::O_CLOEXEC).expect("a file");
    show("flags", call(l::SYS_fcntl, [fd, l::F_GETFD as usize]));
    let second = call(l::SYS_dup, [fd]).expect("a copy");
    show(
        "flags of the copy",
        call(l::SYS_fcntl, [second, l::F_GETFD as usize]),
    );
    show("dup2", call(l::SYS_dup2, [fd, 100]));
    show("dup2 same", call(l::SYS_dup2, [100, 100]));
    show("dup2 closed", call(l::SYS_dup2, [101, 101]));
    show("dup3 same", call(l::SYS_dup3, [100, 100, 0]));
    show("dup2 beyond", call(l::SYS_dup2, [fd, 1 << 20]));
    show(
        "dup from",
        call(l::SYS_fcntl, [fd, l::F_DUPFD as usize, 100]),
    );
    let mut byte = 0u8;
    show("read", call(l::SYS_read, [fd, &raw mut byte as usize, 1]));
    show("position of the copy", call(l::SYS_lseek, [100, 0, 1]));
    show(
        "mode",
        call(l::SYS_fcntl, [fd, l::F_GETFL as usize]).map(|flags| flags & 0o3),
    );
    show(
        "ioctl",
        call(
            l::SYS_ioctl,
            [fd, l::TCGETS as usize, &raw mut byte as usize],
        ),
    );
    for fd in [fd, second, 100, 101] {
        show("close", close(fd));
    }
    show("close nothing", close(100));
    show("close negative", close(usize::MAX));
}

pub(crate) fn pipes() {
    let mut ends = [0i32; 2];
    show(
        "pipe",
        call(
            l::SYS_pipe2,
            [ends.as_mut_ptr() as usize, l::O_NONBLOCK as usize],
        ),
    );
    let [reader, writer] = ends.map(|end| end as usize);
    let block = vec![7u8; 100_000];
    let mut buffer = vec![0u8; 100_000];
    let (from, to) = (block.as_ptr() as usize, buffer.as_mut_ptr() as usize);
    show("read empty", call(l::SYS_read, [reader, to, 1]));
    show("write much", call(l::SYS_write, [writer, from, 100_000]));
    show("write full", call(l::SYS_write, [writer, from, 1]));
    show("read some", call(l::SYS_read, [reader, to, 4096]));
    show("write whole page", call(l::SYS_write, [writer, from, 4096]));
    show(
        "write when full again",
        call(l::SYS_write, [writer, from, 4096]),
    );
    show("read all", call(l::SYS_read, [reader, to, 100_000]));
    show("seek", call(l::SYS_lseek, [reader, 0, 0]));
    show("write to reader", call(l::SYS_write, [reader, from, 1]));
    show("read from writer", call(l::SYS_read, [writer, to, 1]));
    show("pread", call(l::SYS_pread64, [reader, to, 1, 0]));
    show("write", call(l::SYS_write, [writer, from, 5]));
    let mut count = 0i32;
    show(
        "FIONREAD",
        call(
            l::SYS_ioctl,
            [reader, l::FIONREAD as usize, &raw mut count as usize],
        ),
    );
    println!("{count}");
    let mut polled = [reader, writer, 999].map(|fd| l::pollfd {
        fd: fd as i32,
        events: l::POLLIN | l::POLLOUT,
        revents: 0,
    });
    show(
        "poll",
        call(l::SYS_poll, [polled.as_mut_ptr() as usize, 3, 0]),
    );
    println!("{:?}", polled.map(|entry| entry.revents));
    show("close writer", close(writer));
    show("read rest", call(l::SYS_read, [reader, to, 100]));
    show("read end", call(l::SYS_read, [reader, to, 100]));
    show(
        "poll",
        call(l::SYS_poll, [polled.as_mut_ptr() as usize, 1, 1000]),
    );
    println!("{}", polled[0].revents);
    show("close", close(reader));
    show("pipe nowhere", call(l::SYS_pipe2, [8, 0]));
    show(
        "pipe nonsense",
        call(l::SYS_pipe2, [ends.as_mut_ptr() as usize, 1]),
    );
    show("pipe", call(l::SYS_pipe2, [ends.as_mut_ptr() as usize, 0]));
    let [reader, writer] = ends.map(|end| end as usize);
    show("close reader", close(reader));
    // Rust programs ignore SIGPIPE.
    show("write to nobody", call(l::SYS_write, [writer, from, 1]));
    show("close", close(writer));
}
