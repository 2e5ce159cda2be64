//! What gives files their names: directories, renames and links.

use crate::{CWD, close, open, size, try_open, with_path, with_paths};
use braid_test_programs::{call, show, text};
use libc as l;
use std::fs;
use std::os::unix::fs::MetadataExt;

pub(crate) fn names() {
    show("mkdir", with_path(l::SYS_mkdir, "d", 0o755));
    show("mkdir again", with_path(l::SYS_mkdir, "d", 0o755));
    show("mkdir slash", with_path(l::SYS_mkdir, "e/", 0o755));
    show("mkdir in none", with_path(l::SYS_mkdir, "none/d", 0o755));
    show("mkdir in file", with_path(l::SYS_mkdir, "data/d", 0o755));
    fs::write("d/f", "x").expect("a file");
    show("rmdir full", with_path(l::SYS_rmdir, "d", 0));
    show("rmdir file", with_path(l::SYS_rmdir, "d/f", 0));
    show("rmdir dot", with_path(l::SYS_rmdir, "d/.", 0));
    show("rmdir dots", with_path(l::SYS_rmdir, "d/..", 0));
    show("unlink directory", with_path(l::SYS_unlink, "d", 0));
    show("unlink slash", with_path(l::SYS_unlink, "d/f/", 0));
    show("unlink none", with_path(l::SYS_unlink, "d/g", 0));
    let fd = open("d/f", l::O_RDWR).expect("a file");
    show("unlink open", with_path(l::SYS_unlink, "d/f", 0));
    let mut byte = 0u8;
    show(
        "read unlinked",
        call(l::SYS_read, [fd, &raw mut byte as usize, 1]),
    );
    show("close", close(fd));
    show("rmdir", with_path(l::SYS_rmdir, "d", 0));
    show("rmdir slash", with_path(l::SYS_rmdir, "e/", 0));
    show("truncate directory", with_path(l::SYS_truncate, ".", 0));
    show("truncate none", with_path(l::SYS_truncate, "none", 0));
    show(
        "mknod",
        call(
            l::SYS_mknod,
            [
                text("node").as_ptr() as usize,
                l::S_IFREG as usize | 0o600,
                0,
            ],
        ),
    );
}

pub(crate) fn renames() {
    for name in ["a", "b"] {
        fs::write(name, name).expect("a file");
    }
    for name in ["x", "x/y", "z"] {
        fs::create_dir(name).expect("a directory");
    }
    for (from, to) in [
        ("none", "c"),
        ("a", "b"),
        ("b", "b"),
        ("b", "x"),
        ("x", "b"),
        ("x", "x/y/w"),
        ("x", "x"),
        ("z", "x"),
        ("x/y", "z"),
        ("b", "new-name/"),
        ("b", "none/c"),
        ("b", "c"),
        (".", "q"),
        ("x", "q"),
        ("/dev/null", "null"),
    ] {
        show(
            &format!("rename {from} {to}"),
            with_paths(l::SYS_rename, from, to),
        );
    }
    let (from, to) = (text("c"), text("q"));
    let no_replace = [CWD, from.as_ptr() as usize, CWD, to.as_ptr() as usize, 1];
    show(
        "rename without replacing",
        call(l::SYS_renameat2, no_replace),
    );
    println!("{:?}", fs::read_to_string("c"));
    listing(".");
}

pub(crate) fn links() {
    fs::write("file", "content").expect("a file");
    show("link", with_paths(l::SYS_link, "file", "second"));
    show("link again", with_paths(l::SYS_link, "file", "second"));
    show("link directory", with_paths(l::SYS_link, "q", "q2"));
    show("symlink", with_paths(l::SYS_symlink, "file", "soft"));
    show("symlink again", with_paths(l::SYS_symlink, "file", "soft"));
    show("symlink empty", with_paths(l::SYS_symlink, "", "empty"));
    show("symlink loop", with_paths(l::SYS_symlink, "loop", "loop"));
    show(
        "symlink dangling",
        with_paths(l::SYS_symlink, "nowhere", "dangling"),
    );
    show("link to link", with_paths(l::SYS_link, "soft", "soft2"));
    try_open("loop", l::O_RDONLY);
    try_open("soft", l::O_RDONLY | l::O_NOFOLLOW);
    try_open("dangling", l::O_RDONLY);
    try_open("dangling", l::O_WRONLY | l::O_CREAT | l::O_EXCL);
    try_open("dangling", l::O_WRONLY | l::O_CREAT);
    show("made through a link", size("nowhere"));
    show("length of a link", size("soft"));
    let mut buffer = [0u8; 3];
    let path = text("soft");
    let read_link = |len| {
        call(
            l::SYS_readlink,
            [path.as_ptr() as usize, buffer.as_ptr() as usize, len],
        )
    };
    show("readlink cut", read_link(3));
    show("readlink into nothing", read_link(0));
    buffer[0] = b'f';
    let path = text("file");
    show(
        "readlink file",
        call(
            l::SYS_readlink,
            [path.as_ptr() as usize, buffer.as_ptr() as usize, 3],
        ),
    );
    println!("links: {:?}", fs::metadata("soft").map(|data| data.nlink()));
}

pub(crate) fn directories() {
    listing(".");
    show("chdir file", with_path(l::SYS_chdir, "file", 0));
    show("chdir none", with_path(l::SYS_chdir, "none", 0));
    show("chdir", with_path(l::SYS_chdir, "q", 0));
    let mut buffer = [0u8; 4096];
    show(
        "getcwd too small",
        call(l::SYS_getcwd, [buffer.as_mut_ptr() as usize, 3]),
    );
    let here = std::env::current_dir().expect("a working directory");
    println!("ends in q: {}", here.ends_with("q"));
    show(
        "rename the parent's entry",
        with_paths(l::SYS_rename, "../q", "../q3"),
    );
    println!(
        "ends in q3: {}",
        std::env::current_dir()
            .expect("a directory")
            .ends_with("q3")
    );
    show("remove where we are", with_path(l::SYS_rmdir, "../q3", 0));
    show(
        "getcwd removed",
        call(l::SYS_getcwd, [buffer.as_mut_ptr() as usize, 4096]),
    );
    try_open("x", l::O_CREAT | l::O_WRONLY);
    let parent = format!("/tmp/files-{}", std::process::id());
    show("chdir back", with_path(l::SYS_chdir, &parent, 0));
    let fd = open(".", l::O_RDONLY).expect("the directory");
    show(
        "getdents too small",
        call(l::SYS_getdents64, [fd, buffer.as_mut_ptr() as usize, 8]),
    );
    show(
        "read directory",
        call(l::SYS_read, [fd, buffer.as_mut_ptr() as usize, 8]),
    );
    show("close", close(fd));
    let fd = open("file", l::O_RDONLY).expect("a file");
    show(
        "getdents file",
        call(l::SYS_getdents64, [fd, buffer.as_mut_ptr() as usize, 4096]),
    );
    let path = text("x");
    show(
        "openat file",
        call(l::SYS_openat, [fd, path.as_ptr() as usize, 0]),
    );
    show(
        "openat nothing",
        call(l::SYS_openat, [999, path.as_ptr() as usize, 0]),
    );
    show("close", close(fd));
}

fn listing(path: &str) {
    let entries = fs::read_dir(path).expect("a listing");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    println!("{names:?}");
}
