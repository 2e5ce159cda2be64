//! Limits that hold: sizes of files, numbers of descriptors and processes, memory; who may change them, and who inherits them.

use super::{User, become_user, flush, forked, letter};
use braid_test_programs::{Answer, call, children, show, text};
use libc as l;

type Resource = i32;

const ALL: [(&str, Resource); 8] = [
    ("CPU", l::RLIMIT_CPU),
    ("FSIZE", l::RLIMIT_FSIZE),
    ("DATA", l::RLIMIT_DATA),
    ("STACK", l::RLIMIT_STACK),
    ("CORE", l::RLIMIT_CORE),
    ("NPROC", l::RLIMIT_NPROC),
    ("NOFILE", l::RLIMIT_NOFILE),
    ("AS", l::RLIMIT_AS),
];

pub(crate) fn run() {
    rules();
    file_size();
    descriptors();
    processes();
    locked_memory();
    inheritance();
}

fn set(resource: Resource, soft: u64, hard: u64) -> Answer {
    let limit = [soft, hard];
    call(l::SYS_setrlimit, [resource as usize, limit.as_ptr().addr()])
}

fn get(resource: Resource) -> [u64; 2] {
    let mut limit = [0u64; 2];
    call(
        l::SYS_getrlimit,
        [resource as usize, limit.as_mut_ptr().addr()],
    )
    .expect("a limit");
    limit
}

/// Everybody may lower what he has; nobody but user 0 raises it, who may on some hosts be without the capability for it.
fn rules() {
    for user in [User(1001, 1001, &[]), User(1000, 1000, &[])] {
        forked(|| {
            for (_, resource) in ALL {
                set(resource, 4096, 8192).expect("a limit");
            }
            become_user(user);
            for (name, resource) in ALL {
                let mut line = format!("{} {name} ", user.0);
                for (soft, hard) in [
                    (4097, 8192),
                    (8193, 8192),
                    (4096, 8193),
                    (4096, 4096),
                    (4096, 4097),
                    (5, 4),
                ] {
                    line.push(letter(set(resource, soft, hard)));
                }
                println!("{line} {:?}", get(resource));
            }
            show("no such", set(16, 1, 1));
        });
    }
}

/// Bytes beyond the limit are not written, and the first of them brings a signal.
fn file_size() {
    forked(|| {
        set(l::RLIMIT_FSIZE, 1000, 1000).expect("a limit");
        // SAFETY: P1.
        unsafe { l::signal(l::SIGXFSZ, l::SIG_IGN) };
        let name = text("file");
        let flags = (l::O_RDWR | l::O_CREAT) as usize;
        let at = name.as_ptr().addr();
        let fd = call(l::SYS_openat, [l::AT_FDCWD as usize, at, flags, 0o644]).expect("a file");
        let bytes = [1u8; 600];
        let write = || call(l::SYS_write, [fd, bytes.as_ptr().addr(), bytes.len()]);
        show("write", write());
        show("to the limit", write());
        show("beyond", write());
        show("nothing", call(l::SYS_write, [fd, 8, 0]));
        show(
            "pwrite",
            call(l::SYS_pwrite64, [fd, bytes.as_ptr().addr(), 5, 998]),
        );
        show(
            "pwrite",
            call(l::SYS_pwrite64, [fd, bytes.as_ptr().addr(), 5, 1000]),
        );
        show("longer", call(l::SYS_ftruncate, [fd, 1001]));
        show("as long", call(l::SYS_ftruncate, [fd, 1000]));
        show("shorter", call(l::SYS_ftruncate, [fd, 900]));
        show("by name", call(l::SYS_truncate, [at, 2000]));
        call(
            l::SYS_fcntl,
            [fd, l::F_SETFL as usize, l::O_APPEND as usize],
        )
        .expect("to append");
        show("append", write());
        show("append", write());
        let mut ends = [0i32; 2];
        call(l::SYS_pipe2, [ends.as_mut_ptr().addr(), 0]).expect("a pipe");
        let pipe = ends[1] as usize;
        for _ in 0..2 {
            show(
                "a pipe",
                call(l::SYS_write, [pipe, bytes.as_ptr().addr(), bytes.len()]),
            );
        }
    });
    forked(|| {
        set(l::RLIMIT_FSIZE, 1000, 1000).expect("a limit");
        let name = text("file");
        let _ = call(l::SYS_truncate, [name.as_ptr().addr(), 1001]);
    });
    std::fs::remove_file("file").expect("to remove it");
}

fn descriptors() {
    forked(|| {
        set(l::RLIMIT_NOFILE, 10, 10).expect("a limit");
        let mut line = String::from("descriptors ");
        for _ in 0..10 {
            line.push(letter(call(l::SYS_dup, [0])));
        }
        println!("{line}");
        show("beyond", call(l::SYS_dup2, [0, 10]));
        show("fcntl", call(l::SYS_fcntl, [0, l::F_DUPFD as usize, 10]));
        set(l::RLIMIT_NOFILE, 4, 10).expect("a limit");
        show(
            "those that are there stay",
            call(l::SYS_fcntl, [9, l::F_GETFD as usize]),
        );
    });
}

/// A user's processes are counted; those that are only to be collected are not, but on Linux. User 0 is free.
fn processes() {
    for (user, limit) in [(1000, 3), (0, 3)] {
        forked(|| {
            set(l::RLIMIT_NPROC, limit, limit).expect("a limit");
            become_user(User(user, 1000, &[]));
            let mut children = Vec::new();
            let mut line = format!("processes of {user} ");
            for _ in 0..5 {
                let child = children::try_fork(|| {
                    loop {
                        let _ = call(l::SYS_pause, []);
                    }
                });
                line.push(letter(child));
                children.extend(child);
            }
            println!("{line}");
            for child in children {
                call(l::SYS_kill, [child, l::SIGKILL as usize]).expect("to kill it");
                call(l::SYS_wait4, [child, 0, 0, 0]).expect("to wait");
            }
            let again = children::try_fork(|| 0);
            println!("then {}", letter(again));
            let _ = again.map(|child| call(l::SYS_wait4, [child, 0, 0, 0]));
        });
    }
}

fn locked_memory() {
    for user in [0, 1000] {
        forked(|| {
            set(l::RLIMIT_MEMLOCK, 8192, 8192).expect("a limit");
            become_user(User(user, 1000, &[]));
            let flags = (l::MAP_PRIVATE | l::MAP_ANONYMOUS) as usize;
            let rights = (l::PROT_READ | l::PROT_WRITE) as usize;
            let at = call(l::SYS_mmap, [0, 16384, rights, flags, usize::MAX, 0]).expect("memory");
            let mut line = format!("locked by {user} ");
            line.push(letter(call(l::SYS_mlock, [at, 8192])));
            line.push(letter(call(l::SYS_mlock, [at + 8192, 4096])));
            line.push(letter(call(l::SYS_munlock, [at, 4096])));
            line.push(letter(call(l::SYS_mlock, [at + 8192, 4096])));
            println!("{line}");
        });
    }
}

/// Children and programs have what their parents had.
fn inheritance() {
    for (name, resource) in ALL {
        forked(|| {
            // No program begins within a limit of memory that is this low.
            let memory = matches!(resource, l::RLIMIT_AS | l::RLIMIT_DATA | l::RLIMIT_STACK);
            let limit = if memory { 1 << 26 } else { 77 };
            set(resource, limit, limit + 1).expect("a limit");
            forked(|| println!("{name} of a child {:?}", get(resource)));
            flush();
            let (path, part) = (text("/proc/self/exe"), text("limit"));
            let number = text(&resource.to_string());
            let arguments = [
                path.as_ptr(),
                part.as_ptr(),
                number.as_ptr(),
                std::ptr::null(),
            ];
            let environment = [std::ptr::null::<u8>()];
            let places = [
                path.as_ptr().addr(),
                arguments.as_ptr().addr(),
                environment.as_ptr().addr(),
            ];
            println!("not executed: {}", letter(call(l::SYS_execve, places)));
        });
    }
}

/// Tells the limit of a resource.
pub(crate) fn tell(arguments: &[String]) {
    let resource = arguments.first().and_then(|number| number.parse().ok());
    println!("of a program {:?}", get(resource.expect("a number")));
}
