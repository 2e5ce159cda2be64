//! Times and modes.

use crate::{CWD, with_path};
use braid_test_programs::{call, show, text};
use libc as l;
use std::fs;
use std::os::unix::fs::MetadataExt;

pub(crate) fn times_and_modes() {
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
