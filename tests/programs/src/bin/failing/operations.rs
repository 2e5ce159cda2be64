//! The operations whose allocations fail. They allocate nothing themselves.

use std::ffi::CStr;

use braid_test_programs::torus::{migrate, move_to, own, tori};
use braid_test_programs::{Answer, call, vmo};
use libc as l;

use crate::things::{Child, Descriptor, Mapping, Undo, name};

/// What a program that is executed exits with.
pub(crate) const CHILD: i32 = 3;
/// What a child exits with whose execve has failed for want of memory.
const REFUSED: i32 = 4;

/// An operation.
pub(crate) struct Operation {
    /// Its name.
    pub(crate) name: &'static str,
    /// Does it, and undoes what it has done.
    pub(crate) act: fn() -> Answer,
    /// What it may answer without memory.
    pub(crate) errors: &'static [i32],
}

const fn new(name: &'static str, act: fn() -> Answer) -> Operation {
    // Locks end with an error of their own.
    let errors = &[l::ENOMEM, l::ENOLCK];
    Operation { name, act, errors }
}

/// All of them.
pub(crate) const ALL: &[Operation] = &[
    new("directory", directory),
    new("file", file),
    new("names", names),
    new("pipe", pipe),
    new("descriptors", descriptors),
    new("locks", locks),
    new("poll", poll),
    new("select", select),
    new("proc", proc),
    new("memory", memory),
    new("remap", remap),
    new("shared", shared),
    new("mapped file", mapped_file),
    new("fork", fork),
    new("execve", execve),
    new("many signals", many_signals),
    new("timer", timer),
    new("sleep", sleep),
    new("futex", futex),
    new("groups", groups),
    new("objects", objects),
    new("move", moves),
    new("many things move", many_things_move),
    new("child moves", child_moves),
];

const FILE: &CStr = c"/tmp/failing";
const OTHER: &CStr = c"/tmp/failing.other";
const EXECUTABLE: &CStr = c"/proc/self/exe";

/// The torus after this one.
fn other() -> usize {
    (own() + 1) % tori()
}

fn path(path: &CStr) -> usize {
    path.as_ptr() as usize
}

fn directory() -> Answer {
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

fn file() -> Answer {
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

fn names() -> Answer {
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

fn pipe() -> Answer {
    let [reader, writer] = Descriptor::pipe()?;
    writer.write(&[5; 20_000])?;
    let mut bytes = [0; 20_000];
    reader.read(&mut bytes)
}

fn descriptors() -> Answer {
    let one = Descriptor::of(call(l::SYS_dup, [1]))?;
    let high = Descriptor::of(call(l::SYS_fcntl, [one.0, l::F_DUPFD as usize, 900]))?;
    assert_eq!(high.0, 900);
    Ok(0)
}

fn locks() -> Answer {
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

fn poll() -> Answer {
    let [one, other] = [Descriptor::pipe()?, Descriptor::pipe()?];
    let of = |end: &Descriptor| l::pollfd {
        fd: end.0 as i32,
        events: l::POLLIN,
        revents: 0,
    };
    let mut files = [of(&one[0]), of(&other[0])];
    call(l::SYS_poll, [files.as_mut_ptr() as usize, files.len(), 1])
}

fn select() -> Answer {
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

fn proc() -> Answer {
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

fn memory() -> Answer {
    let mapping = Mapping::new(1 << 20, l::MAP_PRIVATE, None)?;
    mapping.fill();
    for page in [16, 64, 128] {
        let arguments = [mapping.at + page * 4096, 8192, l::PROT_READ as usize];
        call(l::SYS_mprotect, arguments)?;
    }
    call(
        l::SYS_madvise,
        [mapping.at, 1 << 19, l::MADV_DONTNEED as usize],
    )?;
    call(l::SYS_munmap, [mapping.at + 200 * 4096, 4096])?;
    call(l::SYS_mlock, [mapping.at, 8192])?;
    let mut there = [0u8; 16];
    let arguments = [mapping.at, 16 * 4096, there.as_mut_ptr() as usize];
    call(l::SYS_mincore, arguments)
}

fn remap() -> Answer {
    let mut mapping = Mapping::new(1 << 18, l::MAP_PRIVATE, None)?;
    mapping.fill();
    mapping.resize(1 << 19)?;
    mapping.fill();
    mapping.resize(1 << 16)
}

fn shared() -> Answer {
    let mapping = Mapping::new(1 << 16, l::MAP_SHARED, None)?;
    mapping.fill();
    let child = Child::fork(|| {
        mapping.fill();
        0
    })?;
    ended(child)
}

/// A child that was killed, or could not be made, had no memory.
fn ended(child: Child) -> Answer {
    match child.end()? {
        0 => Ok(0),
        REFUSED => Err(l::ENOMEM),
        signal if signal == -l::SIGKILL => Err(l::ENOMEM),
        other => panic!("a child ends with {other}"),
    }
}

fn mapped_file() -> Answer {
    let file = Descriptor::open(EXECUTABLE, l::O_RDONLY)?;
    let mapping = Mapping::new(1 << 16, l::MAP_PRIVATE, Some(&file))?;
    mapping.read();
    Ok(0)
}

fn fork() -> Answer {
    let mapping = Mapping::new(1 << 16, l::MAP_PRIVATE, None)?;
    mapping.fill();
    let child = Child::fork(|| {
        mapping.fill();
        0
    })?;
    mapping.fill();
    ended(child)
}

fn execve() -> Answer {
    let child = Child::fork(|| {
        let words = [path(c"failing"), path(c"child"), 0];
        let none = [0usize];
        let arguments = [
            path(EXECUTABLE),
            words.as_ptr() as usize,
            none.as_ptr() as usize,
        ];
        match call(l::SYS_execve, arguments) {
            Err(l::ENOMEM) => REFUSED,
            _ => 1,
        }
    })?;
    match child.end()? {
        CHILD => Ok(0),
        REFUSED => Err(l::ENOMEM),
        signal if signal == -l::SIGKILL => Err(l::ENOMEM),
        other => panic!("a program ends with {other}"),
    }
}

/// Signals whose details are kept, until they are taken.
fn many_signals() -> Answer {
    let signal = 40usize;
    let set = 1u64 << (signal - 1);
    let set_at = &raw const set as usize;
    call(l::SYS_rt_sigprocmask, [l::SIG_BLOCK as usize, set_at, 0, 8])?;
    let _taken = Undo(move || {
        let now = [0u64; 2];
        let at = &raw const set as usize;
        while call(l::SYS_rt_sigtimedwait, [at, 0, now.as_ptr() as usize, 8]).is_ok() {}
        call(l::SYS_rt_sigprocmask, [l::SIG_UNBLOCK as usize, at, 0, 8]).expect("a mask");
    });
    let own = call(l::SYS_getpid, [])?;
    for _ in 0..20 {
        call(l::SYS_kill, [own, signal])?;
    }
    Ok(0)
}

fn timer() -> Answer {
    let off = [0u64; 4];
    let far = [0u64, 0, 1000, 0];
    let _off = Undo(move || {
        call(l::SYS_setitimer, [0, off.as_ptr() as usize, 0]).expect("a timer");
    });
    call(l::SYS_setitimer, [0, far.as_ptr() as usize, 0])
}

fn sleep() -> Answer {
    let time = [0u64, 100_000];
    call(l::SYS_nanosleep, [time.as_ptr() as usize, 0])
}

fn futex() -> Answer {
    let word = 0u32;
    let time = [0u64, 100_000];
    let arguments = [
        &raw const word as usize,
        l::FUTEX_WAIT as usize,
        0,
        time.as_ptr() as usize,
    ];
    match call(l::SYS_futex, arguments) {
        Err(l::ETIMEDOUT) => Ok(0),
        other => other,
    }
}

/// A group and a session of their own, and a signal to the group.
fn groups() -> Answer {
    let child = Child::fork(|| {
        let own = call(l::SYS_setsid, []);
        let grandchild = Child::fork(|| 0);
        let told = call(l::SYS_kill, [0, 0]);
        let done = grandchild.and_then(ended);
        match own.and(told).and(done) {
            Ok(_) => 0,
            Err(l::ENOMEM | l::EAGAIN) => REFUSED,
            Err(_) => 1,
        }
    })?;
    ended(child)
}

/// To another torus, where there is one.
fn moves() -> Answer {
    let home = own();
    let _back = Undo(move || move_to(home));
    migrate(0, other())?;
    let mapping = Mapping::new(1 << 16, l::MAP_PRIVATE, None)?;
    mapping.fill();
    Ok(0)
}

/// With all that a process may have on it.
fn many_things_move() -> Answer {
    let home = own();
    let _gone = name(FILE);
    let ends = Descriptor::pipe()?;
    ends[1].write(b"kept")?;
    let file = Descriptor::open(FILE, l::O_RDWR | l::O_CREAT)?;
    file.write(&[7; 5000])?;
    let high = Descriptor::of(call(l::SYS_fcntl, [file.0, l::F_DUPFD as usize, 300]))?;
    let shared = Mapping::new(1 << 15, l::MAP_SHARED, None)?;
    shared.fill();
    let private = Mapping::new(1 << 15, l::MAP_PRIVATE, None)?;
    private.fill();
    let _back = Undo(move || move_to(home));
    migrate(0, other())?;
    shared.fill();
    private.fill();
    let mut bytes = [0; 4];
    let n = ends[0].read(&mut bytes)?;
    assert_eq!((n, &bytes), (4, b"kept"));
    high.write(b"more")?;
    let child = Child::fork(|| {
        private.fill();
        shared.fill();
        0
    })?;
    ended(child)
}

/// A child that waits is sent elsewhere, and does what it has to there.
fn child_moves() -> Answer {
    let ends = Descriptor::pipe()?;
    let memory = Mapping::new(1 << 15, l::MAP_PRIVATE, None)?;
    memory.fill();
    let child = Child::fork(|| {
        let mut byte = [0];
        match ends[0].read(&mut byte) {
            Ok(1) => {
                memory.fill();
                0
            }
            Err(l::ENOMEM) => REFUSED,
            _ => 1,
        }
    })?;
    migrate(child.pid(), other())?;
    ends[1].write(b"x")?;
    ended(child)
}

fn objects() -> Answer {
    let builder = Descriptor::of(vmo::builder(vmo::STREAMING))?;
    if vmo::append(builder.0, &[3; 9000])? < 9000 {
        // As far as there was memory.
        return Err(l::ENOMEM);
    }
    vmo::patch(builder.0, &[(100, &[1, 2, 3])])?;
    let object = Descriptor::of(vmo::commit(builder.0))?;
    let slice = Descriptor::of(vmo::slice(object.0, 100, 8000))?;
    let twice = Descriptor::of(vmo::concat(slice.0, object.0))?;
    let patched = Descriptor::of(vmo::patch(twice.0, &[(5000, &[9; 5000])]))?;
    let mut id = [0u8; 32];
    call(4106, [patched.0, id.as_mut_ptr() as usize])?;
    let mapping = Mapping::new(12_288, l::MAP_PRIVATE, Some(&patched))?;
    mapping.read();
    let memory = Mapping::new(1 << 16, l::MAP_PRIVATE, None)?;
    memory.fill();
    let _seen = Descriptor::of(vmo::snapshot(memory.at, 1 << 16))?;
    memory.fill();
    Ok(0)
}
