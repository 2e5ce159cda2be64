//! The file calls on a directory of its own in `/tmp`: what each answers, errors above all.

use braid_test_programs::{Answer, call, show, text};
use libc as l;
use std::fs;

const CWD: usize = l::AT_FDCWD as usize;

fn main() {
    let directory = format!("/tmp/files-{}", std::process::id());
    fs::create_dir(&directory).expect("a directory in /tmp");
    std::env::set_current_dir(&directory).expect("to enter it");
    opening();
    positions();
    names();
    renames();
    links();
    directories();
    descriptors();
    pipes();
    times_and_modes();
    std::env::set_current_dir("/").expect("to leave it");
    fs::remove_dir_all(&directory).expect("to remove it");
}

fn open(path: &str, flags: i32) -> Answer {
    let path = text(path);
    call(
        l::SYS_openat,
        [CWD, path.as_ptr() as usize, flags as usize, 0o644],
    )
}

fn close(fd: usize) -> Answer {
    call(l::SYS_close, [fd])
}

/// Opens, shows whether that went well, and closes again.
fn try_open(path: &str, flags: i32) {
    let answer = open(path, flags);
    if let Ok(fd) = answer {
        close(fd).expect("to close what was opened");
    }
    show(&format!("open {path} {flags:#o}"), answer.map(|_| 0));
}

fn with_path(number: i64, path: &str, other: usize) -> Answer {
    let path = text(path);
    call(number, [path.as_ptr() as usize, other])
}

fn with_paths(number: i64, from: &str, to: &str) -> Answer {
    let (from, to) = (text(from), text(to));
    call(number, [from.as_ptr() as usize, to.as_ptr() as usize])
}

fn size(path: &str) -> Answer {
    fs::symlink_metadata(path)
        .map(|data| data.len() as usize)
        .map_err(|error| error.raw_os_error().unwrap_or(0))
}

fn opening() {
    for (path, flags) in [
        ("none", l::O_RDONLY),
        ("none/", l::O_RDONLY),
        ("new", l::O_CREAT | l::O_EXCL | l::O_WRONLY),
        ("new", l::O_CREAT | l::O_EXCL | l::O_WRONLY),
        ("new", l::O_CREAT | l::O_RDONLY),
        ("new/", l::O_RDONLY),
        ("new/x", l::O_RDONLY),
        ("new", l::O_RDONLY | l::O_DIRECTORY),
        (".", l::O_RDONLY),
        (".", l::O_WRONLY),
        (".", l::O_RDONLY | l::O_CREAT),
        ("made/", l::O_RDONLY | l::O_CREAT),
        ("", l::O_RDONLY),
        ("/dev/null", l::O_RDWR),
        ("/dev/null/x", l::O_RDWR),
    ] {
        try_open(path, flags);
    }
    try_open(&"n".repeat(255), l::O_CREAT | l::O_WRONLY);
    try_open(&"n".repeat(256), l::O_CREAT | l::O_WRONLY);
    try_open(&"a/".repeat(2100), l::O_RDONLY);
}

fn positions() {
    let fd = open("data", l::O_CREAT | l::O_RDWR | l::O_TRUNC).expect("a file");
    let bytes = *b"0123456789";
    let at = bytes.as_ptr() as usize;
    show("write", call(l::SYS_write, [fd, at, 10]));
    show("pwrite beyond", call(l::SYS_pwrite64, [fd, at, 5, 10_000]));
    show("size", size("data"));
    let mut buffer = [1u8; 16];
    let to = buffer.as_mut_ptr() as usize;
    show("pread hole", call(l::SYS_pread64, [fd, to, 16, 9_995]));
    println!("{buffer:?}");
    show("read at end of first write", call(l::SYS_read, [fd, to, 4]));
    show("seek end", call(l::SYS_lseek, [fd, 0, 2]));
    show("seek before start", call(l::SYS_lseek, [fd, usize::MAX, 0]));
    show("seek to nonsense", call(l::SYS_lseek, [fd, 0, 9]));
    show("read at end", call(l::SYS_read, [fd, to, 4]));
    show("seek far", call(l::SYS_lseek, [fd, 1 << 40, 0]));
    show("read far", call(l::SYS_read, [fd, to, 4]));
    show("truncate", call(l::SYS_ftruncate, [fd, 5]));
    show(
        "truncate negative",
        call(l::SYS_ftruncate, [fd, usize::MAX]),
    );
    show("extend", call(l::SYS_ftruncate, [fd, 12]));
    show("pread", call(l::SYS_pread64, [fd, to, 16, 0]));
    println!("{buffer:?}");
    show(
        "pread negative",
        call(l::SYS_pread64, [fd, to, 16, usize::MAX]),
    );
    show("read to nowhere", call(l::SYS_pread64, [fd, 8, 4, 0]));
    show("close", close(fd));
    show("close again", close(fd));
    let fd = open("data", l::O_RDONLY).expect("a file");
    show("write to read-only", call(l::SYS_write, [fd, at, 1]));
    show("truncate read-only", call(l::SYS_ftruncate, [fd, 1]));
    show("close", close(fd));
    let fd = open("data", l::O_WRONLY | l::O_APPEND).expect("a file");
    show("read from write-only", call(l::SYS_read, [fd, to, 1]));
    show("append", call(l::SYS_write, [fd, at, 3]));
    show("append elsewhere", call(l::SYS_pwrite64, [fd, at, 3, 0]));
    show("size", size("data"));
    show("close", close(fd));
    println!("{:?}", fs::read("data"));
}

fn names() {
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

fn renames() {
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

fn links() {
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
    use std::os::unix::fs::MetadataExt;
    println!("links: {:?}", fs::metadata("soft").map(|data| data.nlink()));
}

fn directories() {
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

fn descriptors() {
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

fn pipes() {
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

fn times_and_modes() {
    use std::os::unix::fs::MetadataExt;
    let show_file = |path: &str| {
        let data = fs::symlink_metadata(path).expect("attributes");
        println!(
            "{path}: {:o} {} {} {}",
            data.mode(),
            data.mtime(),
            data.mtime_nsec(),
            data.size()
        );
    };
    show("umask", call(l::SYS_umask, [0o027]));
    fs::write("moded", "").expect("a file");
    fs::create_dir("moded-directory").expect("a directory");
    let times = [1_000_000_000usize, 5, 2_000_000_000, 7];
    let path = text("moded");
    show(
        "utimensat",
        call(
            l::SYS_utimensat,
            [CWD, path.as_ptr() as usize, times.as_ptr() as usize, 0],
        ),
    );
    show_file("moded");
    println!(
        "{:o}",
        fs::metadata("moded-directory").expect("attributes").mode()
    );
    show("chmod", with_path(l::SYS_chmod, "moded", 0o4751));
    show_file("moded");
    show("access x", with_path(l::SYS_access, "moded", 1));
    show("chmod", with_path(l::SYS_chmod, "moded", 0o600));
    show("access x", with_path(l::SYS_access, "moded", 1));
    show("access none", with_path(l::SYS_access, "none", 0));
    show("access nonsense", with_path(l::SYS_access, "moded", 8));
    let mut stat = [0u8; 256];
    let statx = |flags, path: &str, to: *mut u8| {
        let path = text(path);
        call(
            l::SYS_statx,
            [CWD, path.as_ptr() as usize, flags, 0x7ff, to as usize],
        )
    };
    show("statx", statx(0, "moded", stat.as_mut_ptr()));
    println!("mode {:o}", u16::from_le_bytes([stat[28], stat[29]]));
    show("statx empty", statx(0, "", stat.as_mut_ptr()));
    show("statx nowhere", statx(0, "moded", std::ptr::null_mut()));
}
