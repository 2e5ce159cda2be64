//! Which function answers which number. What is missing here is ENOSYS.

use super::braid;
use super::call::{Call, SysResult};
use super::{futex, reboot};
use crate::file::syscalls as file;
use crate::mem::{calls as mem, locking};
use crate::process::{
    closing, credentials as cred, drain, end, exec, fork, group, identity as id, init, limits,
    time, wait,
};
use crate::signal::{alarm, calls as sig};
use crate::vmo::calls as vmo;

/// Runs a system call once.
pub type Handler = fn(&mut Call) -> SysResult;

/// Linux's numbers that are answered.
#[rustfmt::skip]
const LINUX: &[(u16, Handler)] = &[
    (0, file::read),
    (1, file::write),
    (2, file::open),
    (3, file::close),
    (4, file::stat),
    (5, file::fstat),
    (6, file::lstat),
    (7, file::poll),
    (8, file::lseek),
    (9, mem::mmap),
    (10, mem::mprotect),
    (11, mem::munmap),
    (12, mem::brk),
    (13, sig::rt_sigaction),
    (14, sig::rt_sigprocmask),
    (15, sig::rt_sigreturn),
    (16, file::ioctl),
    (17, file::pread64),
    (18, file::pwrite64),
    (19, file::readv),
    (20, file::writev),
    (21, file::access),
    (22, file::pipe),
    (23, file::select),
    (24, id::sched_yield),
    (25, mem::mremap),
    (26, mem::msync),
    (27, mem::mincore),
    (28, mem::madvise),
    (32, file::dup),
    (33, file::dup2),
    (34, sig::pause),
    (35, time::nanosleep),
    (36, alarm::getitimer),
    (37, alarm::alarm),
    (38, alarm::setitimer),
    (39, id::getpid),
    (40, file::sendfile),
    (56, fork::clone),
    (57, fork::fork),
    (58, fork::vfork),
    (59, exec::execve),
    (60, end::exit),
    (61, wait::wait4),
    (62, sig::kill),
    (63, id::uname),
    (72, file::fcntl),
    (73, file::flock),
    (74, file::fsync),
    (75, file::fsync),
    (76, file::truncate),
    (77, file::ftruncate),
    (79, file::getcwd),
    (80, file::chdir),
    (81, file::fchdir),
    (82, file::rename),
    (83, file::mkdir),
    (84, file::rmdir),
    (85, file::creat),
    (86, file::link),
    (87, file::unlink),
    (88, file::symlink),
    (89, file::readlink),
    (90, file::chmod),
    (91, file::fchmod),
    (92, file::chown),
    (93, file::fchown),
    (94, file::lchown),
    (95, file::umask),
    (96, time::gettimeofday),
    (97, limits::getrlimit),
    (98, time::getrusage),
    (99, time::sysinfo),
    (100, time::times),
    (102, cred::getuid),
    (104, cred::getgid),
    (105, cred::setuid),
    (106, cred::setgid),
    (107, cred::geteuid),
    (108, cred::getegid),
    (109, group::setpgid),
    (110, id::getppid),
    (111, group::getpgrp),
    (112, group::setsid),
    (113, cred::setreuid),
    (114, cred::setregid),
    (115, cred::getgroups),
    (116, cred::setgroups),
    (117, cred::setresuid),
    (118, cred::getresuid),
    (119, cred::setresgid),
    (120, cred::getresgid),
    (121, group::getpgid),
    (122, cred::setfsuid),
    (123, cred::setfsgid),
    (124, group::getsid),
    (125, cred::capget),
    (126, cred::capset),
    (127, sig::rt_sigpending),
    (128, sig::rt_sigtimedwait),
    (130, sig::rt_sigsuspend),
    (131, sig::sigaltstack),
    (133, file::mknod),
    (135, id::personality),
    (137, file::statfs),
    (138, file::fstatfs),
    (140, id::getpriority),
    (141, id::accepted),
    (142, id::accepted),
    (144, id::accepted),
    (149, locking::mlock),
    (150, locking::munlock),
    (151, locking::mlockall),
    (152, locking::munlockall),
    (157, id::prctl),
    (158, id::arch_prctl),
    (160, limits::setrlimit),
    (162, file::sync),
    (169, reboot::reboot),
    (186, id::gettid),
    (200, sig::tkill),
    (201, time::time),
    (202, futex::futex),
    (203, id::sched_setaffinity),
    (204, id::sched_getaffinity),
    (217, file::getdents64),
    (218, id::set_tid_address),
    (221, file::fadvise64),
    (228, time::clock_gettime),
    (229, time::clock_getres),
    (230, time::clock_nanosleep),
    (231, end::exit),
    (234, sig::tgkill),
    (239, mem::get_mempolicy),
    (247, wait::waitid),
    (257, file::openat),
    (258, file::mkdirat),
    (259, file::mknodat),
    (260, file::fchownat),
    (262, file::newfstatat),
    (263, file::unlinkat),
    (264, file::renameat),
    (265, file::linkat),
    (266, file::symlinkat),
    (267, file::readlinkat),
    (268, file::fchmodat),
    (269, file::faccessat),
    (270, file::pselect6),
    (271, file::ppoll),
    (273, id::set_robust_list),
    (280, file::utimensat),
    (292, file::dup3),
    (293, file::pipe2),
    (295, file::preadv),
    (296, file::pwritev),
    (302, limits::prlimit64),
    (306, file::sync),
    (309, id::getcpu),
    (316, file::renameat2),
    (318, id::getrandom),
    (319, file::memfd_create),
    (325, locking::mlock2),
    (326, file::copy_file_range),
    (332, file::statx),
    (436, file::close_range),
    (439, file::faccessat2),
    (452, file::fchmodat2),
];

/// One more than the largest of Linux's numbers.
const COUNT: usize = 512;

/// [`LINUX`] by number.
static BY_NUMBER: [Option<Handler>; COUNT] = {
    let mut table: [Option<Handler>; COUNT] = [None; COUNT];
    let mut index = 0;
    while index < LINUX.len() {
        let (number, handler) = LINUX[index];
        assert!(
            table[number as usize].is_none(),
            "two functions for one number"
        );
        table[number as usize] = Some(handler);
        index += 1;
    }
    table
};

/// The function of a number.
#[inline]
pub fn handler(number: u64) -> Option<Handler> {
    if number < COUNT as u64 {
        return BY_NUMBER[number as usize];
    }
    match number {
        braid::TORUS_INFO => Some(braid::torus_info),
        braid::PROCESS_INFO => Some(braid::process_info),
        crate::migrate::call::MIGRATE => Some(crate::migrate::call::migrate),
        number if (vmo::FIRST..vmo::FIRST + vmo::CALLS.len() as u64).contains(&number) => {
            vmo::CALLS.get((number - vmo::FIRST) as usize).copied()
        }
        drain::DRAIN => Some(drain::drain),
        braid::RING_PROBE => Some(braid::ring_probe),
        fork::BIRTH => Some(fork::birth),
        init::FIRST => Some(init::first),
        closing::LAST => Some(closing::last),
        _ => None,
    }
}
