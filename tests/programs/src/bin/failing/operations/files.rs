//! Files, pipes and what waits for them.

use super::{FILE, OTHER, path};
use crate::things::{Descriptor, Undo, name};
use braid_test_programs::{Answer, call};
use libc as l;
use std::ffi::CStr;

pub(crate) fn directory() -> Answer {
    let directory = Descriptor::open(c"/", l::O_RDONLY | l::O_DIRECTORY)?;
    let mut entries = [0u8; 1024];
    while call(
        l::SYS_getdents64,
        [directory.0, entries.as_mut_ptr() as usize, entries.len()],
    )? > 0
    {}
    call(l::SYS_chdir, [path(c"/tmp")])?;
    let back = Undo(|| {
        call(l::SYS_chdir, [path(c"/")]).expect("to go back");
    });
    let mut at = [0u8; 64];
    call(l::SYS_getcwd, [at.as_mut_ptr() as usize, at.len()])?;
    drop(back);
    Ok(0)
}

pub(crate) fn file() -> Answer {
    let _gone = name(FILE);
    let file = Descriptor::open(FILE, l::O_RDWR | l::O_CREAT)?;
    let bytes = [7u8; 10_000];
    file.write(&bytes)?;
    call(l::SYS_lseek, [file.0, 0, 0])?;
    let mut read = [0u8; 5000];
    let n = file.read(&mut read)?;
    assert_eq!((n, read[n - 1]), (5000, 7));
    call(l::SYS_ftruncate, [file.0, 100])?;
    call(l::SYS_fstat, [file.0, stat_buffer(&mut [0; 32])])?;
    call(l::SYS_fsync, [file.0])
}

fn stat_buffer(words: &mut [u64; 32]) -> usize {
    words.as_mut_ptr() as usize
}

pub(crate) fn names() -> Answer {
    let _gone = [name(FILE), name(OTHER)];
    call(l::SYS_mkdir, [path(FILE), 0o700])?;
    call(l::SYS_rename, [path(FILE), path(OTHER)])?;
    call(l::SYS_rmdir, [path(OTHER)])?;
    call(l::SYS_symlink, [path(c"/bin/nothing"), path(FILE)])?;
    let mut target = [0u8; 64];
    call(
        l::SYS_readlink,
        [path(FILE), target.as_mut_ptr() as usize, target.len()],
    )?;
    call(l::SYS_link, [path(FILE), path(OTHER)])?;
    call(l::SYS_unlink, [path(FILE)])
}

pub(crate) fn pipe() -> Answer {
    let [reader, writer] = Descriptor::pipe()?;
    writer.write(&[5; 20_000])?;
    let mut bytes = [0; 20_000];
    reader.read(&mut bytes)
}

pub(crate) fn descriptors() -> Answer {
    let one = Descriptor::of(call(l::SYS_dup, [1]))?;
    let high = Descriptor::of(call(l::SYS_fcntl, [one.0, l::F_DUPFD as usize, 900]))?;
    assert_eq!(high.0, 900);
    Ok(0)
}

pub(crate) fn locks() -> Answer {
    let _gone = name(FILE);
    let file = Descriptor::open(FILE, l::O_RDWR | l::O_CREAT)?;
    for start in 0..4 {
        // SAFETY: P2, zeros are a lock of everything.
        let mut lock: l::flock = unsafe { std::mem::zeroed() };
        (lock.l_type, lock.l_start, lock.l_len) = (l::F_WRLCK as i16, 10 * start, 5);
        let arguments = [file.0, l::F_SETLK as usize, &raw const lock as usize];
        call(l::SYS_fcntl, arguments)?;
    }
    call(l::SYS_flock, [file.0, l::LOCK_EX as usize])
}

pub(crate) fn poll() -> Answer {
    let [one, other] = [Descriptor::pipe()?, Descriptor::pipe()?];
    let of = |end: &Descriptor| l::pollfd {
        fd: end.0 as i32,
        events: l::POLLIN,
        revents: 0,
    };
    let mut files = [of(&one[0]), of(&other[0])];
    call(l::SYS_poll, [files.as_mut_ptr() as usize, files.len(), 1])
}

pub(crate) fn select() -> Answer {
    let ends = Descriptor::pipe()?;
    let mut set = [0u64; 16];
    set[ends[0].0 / 64] |= 1 << (ends[0].0 % 64);
    let mut time = [0u64, 1000];
    call(
        l::SYS_select,
        [
            ends[0].0 + 1,
            set.as_mut_ptr() as usize,
            0,
            0,
            time.as_mut_ptr() as usize,
        ],
    )
}

pub(crate) fn proc() -> Answer {
    const NAMES: [&CStr; 9] = [
        c"/proc/self/maps",
        c"/proc/self/status",
        c"/proc/self/stat",
        c"/proc/self/cmdline",
        c"/proc/self/comm",
        c"/proc/meminfo",
        c"/proc/mounts",
        c"/proc/cpuinfo",
        c"/proc/stat",
    ];
    for name in NAMES {
        let file = Descriptor::open(name, l::O_RDONLY)?;
        let mut bytes = [0; 512];
        while file.read(&mut bytes)? > 0 {}
    }
    for name in [c"/proc/self/exe", c"/proc/self/cwd", c"/proc/self/fd/1"] {
        let mut target = [0u8; 256];
        let arguments = [path(name), target.as_mut_ptr() as usize, target.len()];
        call(l::SYS_readlink, arguments)?;
    }
    let list = Descriptor::open(c"/proc/self/fd", l::O_RDONLY)?;
    let mut entries = [0u8; 512];
    call(
        l::SYS_getdents64,
        [list.0, entries.as_mut_ptr() as usize, entries.len()],
    )
}
