//! Making, finding, moving and removing names, by everybody, in directories of every kind.

use super::{USERS, User, become_and, letter};
use braid_test_programs::{call, text};
use libc as l;

const CWD: usize = l::AT_FDCWD as usize;
const MODES: [u32; 10] = [
    0o777, 0o000, 0o755, 0o700, 0o711, 0o733, 0o766, 0o070, 0o1777, 0o1733,
];

pub(crate) fn run() {
    for (owner, group) in [(1000, 1000), (0, 2000)] {
        for mode in MODES {
            for user in USERS {
                prepare(owner, group, mode);
                become_and(user, || one(owner, mode, user));
                clean();
            }
        }
    }
}

/// A directory with a file of the owner's, one of a stranger's, a directory and a link; and a directory of everybody's.
fn prepare(owner: u32, group: u32, mode: u32) {
    std::fs::create_dir("d").expect("a directory");
    for (name, uid) in [("d/a", owner), ("d/b", 1003)] {
        std::fs::write(name, "text").expect("a file");
        give(name, uid, 1003, 0o644);
    }
    std::fs::create_dir("d/sub").expect("a directory");
    give("d/sub", 1003, 1003, 0o755);
    std::os::unix::fs::symlink("a", "d/link").expect("a link");
    // Everybody may follow a link of the directory's owner, whatever fs.protected_symlinks says on the host.
    let link = text("d/link");
    call(l::SYS_lchown, [link.as_ptr().addr(), owner as usize, 1003]).expect("chown");
    give("d", owner, group, mode);
    std::fs::create_dir("open").expect("a directory");
    give("open", 0, 0, 0o777);
}

fn give(name: &str, uid: u32, gid: u32, mode: u32) {
    let path = text(name);
    let at = path.as_ptr().addr();
    call(l::SYS_lchown, [at, uid as usize, gid as usize]).expect("chown");
    call(l::SYS_chmod, [at, mode as usize]).expect("chmod");
}

fn clean() {
    std::fs::remove_dir_all("d").expect("to remove it");
    std::fs::remove_dir_all("open").expect("to remove it");
}

fn one(owner: u32, mode: u32, User(user, ..): User) {
    let with_path = |number, path: &str, other: usize| {
        let path = text(path);
        letter(call(number, [path.as_ptr().addr(), other]))
    };
    let with_paths = |number, from: &str, to: &str| {
        let (from, to) = (text(from), text(to));
        letter(call(number, [from.as_ptr().addr(), to.as_ptr().addr()]))
    };
    let open = |path: &str, flags: i32| {
        let path = text(path);
        let at = path.as_ptr().addr();
        letter(call(l::SYS_openat, [CWD, at, flags as usize, 0o644]))
    };
    let mut line = format!("{owner} {mode:04o} {user}: find ");
    let mut stat = [0u8; 144];
    for path in [
        "d", "d/a", "d/none", "d/.", "d/..", "d/sub/..", "d/link", "d/a/x",
    ] {
        line.push(with_path(l::SYS_stat, path, stat.as_mut_ptr().addr()));
    }
    line.push_str(" list ");
    line.push(open("d", l::O_RDONLY | l::O_DIRECTORY));
    line.push(open("d/a", l::O_RDONLY));
    line.push_str(" make ");
    line.push(open("d/a", l::O_RDONLY | l::O_CREAT));
    line.push(open("d/a", l::O_RDONLY | l::O_CREAT | l::O_EXCL));
    line.push(open("d/new", l::O_RDWR | l::O_CREAT));
    line.push(with_path(l::SYS_mkdir, "d/a", 0o755));
    line.push(with_path(l::SYS_mkdir, "d/dir", 0o755));
    line.push(with_path(l::SYS_mknod, "d/node", 0o644));
    line.push(with_paths(l::SYS_symlink, "a", "d/sym"));
    line.push(with_paths(l::SYS_symlink, "a", "d/a"));
    line.push_str(" move ");
    line.push(with_paths(l::SYS_rename, "d/a", "open/a"));
    line.push(with_paths(l::SYS_rename, "open/a", "d/a"));
    line.push(with_paths(l::SYS_rename, "d/b", "d/c"));
    line.push(with_paths(l::SYS_rename, "d/c", "d/b"));
    line.push(with_paths(l::SYS_rename, "d/a", "d/b"));
    line.push(with_paths(l::SYS_rename, "d/sub", "d/sub2"));
    line.push(with_paths(l::SYS_rename, "d/sub", "open/sub"));
    line.push(with_paths(l::SYS_rename, "d/sub2", "open/sub"));
    line.push(with_paths(l::SYS_rename, "d/none", "open/x"));
    line.push_str(" remove ");
    line.push(with_path(l::SYS_unlink, "d/none", 0));
    line.push(with_path(l::SYS_unlink, "d/sub", 0));
    line.push(with_path(l::SYS_rmdir, "d/b", 0));
    line.push(with_path(l::SYS_unlink, "d/link", 0));
    line.push(with_path(l::SYS_unlink, "d/b", 0));
    line.push(with_path(l::SYS_rmdir, "d/sub", 0));
    line.push(with_path(l::SYS_rmdir, "d/dir", 0));
    line.push_str(" enter ");
    line.push(with_path(l::SYS_chdir, "d", 0));
    line.push(with_path(l::SYS_stat, ".", stat.as_mut_ptr().addr()));
    println!("{line}");
}
