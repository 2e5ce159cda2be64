//! Which function answers which number, and what signals do to its waits. What is missing here is ENOSYS.

use super::braid;
use super::call::{Call, SysResult};
use super::{futex, reboot};
use crate::file::syscalls as file;
use crate::memory::{calls as mem, locking};
use crate::moving::call as migrate;
use crate::process::{
    closing, credentials as cred, drain, end, exec, fork, group, identity as id, init, limit_calls,
    policy, priority, time, wait,
};
use crate::signal::{alarm, calls as sig};
use crate::vmo::{calls as vmo, snapshot};
use Rule::{By, Is};
use braid_threads::interruption::Interruption::{self, Fails, FailsAtStops, Never, Restarts};

/// Runs a system call once.
pub type Handler = fn(&mut Call) -> SysResult;

/// How signals interrupt a call that waits: always alike, or as its arguments say.
#[derive(Clone, Copy)]
pub enum Rule {
    /// Always so.
    Is(Interruption),
    /// Asked when the call begins to wait.
    By(fn(&Call) -> Interruption),
}

/// A call.
#[derive(Clone, Copy)]
pub struct Entry {
    /// What runs it.
    pub handler: Handler,
    rule: Rule,
}

impl Entry {
    /// What signals do to the wait that this run of the call ends with.
    pub fn interruption(&self, call: &Call) -> Interruption {
        match self.rule {
            Is(interruption) => interruption,
            By(rule) => rule(call),
        }
    }
}

/// Linux's numbers that are answered.
#[rustfmt::skip]
const LINUX: &[(u64, Handler, Rule)] = &[
    (0, file::read, By(file::interruption)),
    (1, file::write, By(file::interruption)),
    (2, file::open, Is(Never)),
    (3, file::close, Is(Never)),
    (4, file::stat, Is(Never)),
    (5, file::fstat, Is(Never)),
    (6, file::lstat, Is(Never)),
    (7, file::poll, Is(Fails)),
    (8, file::lseek, Is(Never)),
    (9, mem::mmap, Is(Never)),
    (10, mem::mprotect, Is(Never)),
    (11, mem::munmap, Is(Never)),
    (12, mem::brk, Is(Never)),
    (13, sig::rt_sigaction, Is(Never)),
    (14, sig::rt_sigprocmask, Is(Never)),
    (15, sig::rt_sigreturn, Is(Never)),
    (16, file::ioctl, Is(Restarts)),
    (17, file::pread64, By(file::interruption)),
    (18, file::pwrite64, By(file::interruption)),
    (19, file::readv, By(file::interruption)),
    (20, file::writev, By(file::interruption)),
    (21, file::access, Is(Never)),
    (22, file::pipe, Is(Never)),
    (23, file::select, Is(Fails)),
    (24, id::sched_yield, Is(Never)),
    (25, mem::mremap, Is(Never)),
    (26, mem::msync, Is(Never)),
    (27, mem::mincore, Is(Never)),
    (28, mem::madvise, Is(Never)),
    (32, file::dup, Is(Never)),
    (33, file::dup2, Is(Never)),
    (34, sig::pause, Is(Fails)),
    (35, time::nanosleep, Is(Fails)),
    (36, alarm::getitimer, Is(Never)),
    (37, alarm::alarm, Is(Never)),
    (38, alarm::setitimer, Is(Never)),
    (39, id::getpid, Is(Never)),
    (40, file::sendfile, By(file::interruption)),
    (56, fork::clone, Is(Never)),
    (57, fork::fork, Is(Never)),
    (58, fork::vfork, Is(Never)),
    (59, exec::execve, Is(Never)),
    (60, end::exit, Is(Never)),
    (61, wait::wait4, Is(Restarts)),
    (62, sig::kill, Is(Never)),
    (63, id::uname, Is(Never)),
    (72, file::fcntl, By(file::fcntl_interruption)),
    (73, file::flock, Is(Restarts)),
    (74, file::fsync, Is(Never)),
    (75, file::fsync, Is(Never)),
    (76, file::truncate, Is(Never)),
    (77, file::ftruncate, Is(Never)),
    (79, file::getcwd, Is(Never)),
    (80, file::chdir, Is(Never)),
    (81, file::fchdir, Is(Never)),
    (82, file::rename, Is(Never)),
    (83, file::mkdir, Is(Never)),
    (84, file::rmdir, Is(Never)),
    (85, file::creat, Is(Never)),
    (86, file::link, Is(Never)),
    (87, file::unlink, Is(Never)),
    (88, file::symlink, Is(Never)),
    (89, file::readlink, Is(Never)),
    (90, file::chmod, Is(Never)),
    (91, file::fchmod, Is(Never)),
    (92, file::chown, Is(Never)),
    (93, file::fchown, Is(Never)),
    (94, file::lchown, Is(Never)),
    (95, file::umask, Is(Never)),
    (96, time::gettimeofday, Is(Never)),
    (97, limit_calls::getrlimit, Is(Never)),
    (98, time::getrusage, Is(Never)),
    (99, time::sysinfo, Is(Never)),
    (100, time::times, Is(Never)),
    (102, cred::getuid, Is(Never)),
    (104, cred::getgid, Is(Never)),
    (105, cred::setuid, Is(Never)),
    (106, cred::setgid, Is(Never)),
    (107, cred::geteuid, Is(Never)),
    (108, cred::getegid, Is(Never)),
    (109, group::setpgid, Is(Never)),
    (110, id::getppid, Is(Never)),
    (111, group::getpgrp, Is(Never)),
    (112, group::setsid, Is(Never)),
    (113, cred::setreuid, Is(Never)),
    (114, cred::setregid, Is(Never)),
    (115, cred::getgroups, Is(Never)),
    (116, cred::setgroups, Is(Never)),
    (117, cred::setresuid, Is(Never)),
    (118, cred::getresuid, Is(Never)),
    (119, cred::setresgid, Is(Never)),
    (120, cred::getresgid, Is(Never)),
    (121, group::getpgid, Is(Never)),
    (122, cred::setfsuid, Is(Never)),
    (123, cred::setfsgid, Is(Never)),
    (124, group::getsid, Is(Never)),
    (125, cred::capget, Is(Never)),
    (126, cred::capset, Is(Never)),
    (127, sig::rt_sigpending, Is(Never)),
    (128, sig::rt_sigtimedwait, Is(FailsAtStops)),
    (129, sig::rt_sigqueueinfo, Is(Never)),
    (130, sig::rt_sigsuspend, Is(Fails)),
    (131, sig::sigaltstack, Is(Never)),
    (133, file::mknod, Is(Never)),
    (135, id::personality, Is(Never)),
    (137, file::statfs, Is(Never)),
    (138, file::fstatfs, Is(Never)),
    (140, priority::getpriority, Is(Never)),
    (141, priority::setpriority, Is(Never)),
    (142, policy::sched_setparam, Is(Never)),
    (143, policy::sched_getparam, Is(Never)),
    (144, policy::sched_setscheduler, Is(Never)),
    (145, policy::sched_getscheduler, Is(Never)),
    (146, policy::sched_get_priority_max, Is(Never)),
    (147, policy::sched_get_priority_min, Is(Never)),
    (148, policy::sched_rr_get_interval, Is(Never)),
    (149, locking::mlock, Is(Never)),
    (150, locking::munlock, Is(Never)),
    (151, locking::mlockall, Is(Never)),
    (152, locking::munlockall, Is(Never)),
    (157, id::prctl, Is(Never)),
    (158, id::arch_prctl, Is(Never)),
    (160, limit_calls::setrlimit, Is(Never)),
    (162, file::sync, Is(Never)),
    (169, reboot::reboot, Is(Never)),
    (186, id::gettid, Is(Never)),
    (200, sig::tkill, Is(Never)),
    (201, time::time, Is(Never)),
    (futex::NUMBER, futex::futex, By(futex::interruption)),
    (203, policy::sched_setaffinity, Is(Never)),
    (204, policy::sched_getaffinity, Is(Never)),
    (217, file::getdents64, Is(Never)),
    (218, id::set_tid_address, Is(Never)),
    (221, file::fadvise64, Is(Never)),
    (228, time::clock_gettime, Is(Never)),
    (229, time::clock_getres, Is(Never)),
    (230, time::clock_nanosleep, Is(Fails)),
    (231, end::exit, Is(Never)),
    (234, sig::tgkill, Is(Never)),
    (239, mem::get_mempolicy, Is(Never)),
    (247, wait::waitid, Is(Restarts)),
    (257, file::openat, Is(Never)),
    (258, file::mkdirat, Is(Never)),
    (259, file::mknodat, Is(Never)),
    (260, file::fchownat, Is(Never)),
    (262, file::newfstatat, Is(Never)),
    (263, file::unlinkat, Is(Never)),
    (264, file::renameat, Is(Never)),
    (265, file::linkat, Is(Never)),
    (266, file::symlinkat, Is(Never)),
    (267, file::readlinkat, Is(Never)),
    (268, file::fchmodat, Is(Never)),
    (269, file::faccessat, Is(Never)),
    (270, file::pselect6, Is(Fails)),
    (271, file::ppoll, Is(Fails)),
    (273, id::set_robust_list, Is(Never)),
    (280, file::utimensat, Is(Never)),
    (292, file::dup3, Is(Never)),
    (293, file::pipe2, Is(Never)),
    (295, file::preadv, By(file::interruption)),
    (296, file::pwritev, By(file::interruption)),
    (297, sig::rt_tgsigqueueinfo, Is(Never)),
    (302, limit_calls::prlimit64, Is(Never)),
    (306, file::sync, Is(Never)),
    (309, id::getcpu, Is(Never)),
    (316, file::renameat2, Is(Never)),
    (318, id::getrandom, Is(Restarts)),
    (319, file::memfd_create, Is(Never)),
    (325, locking::mlock2, Is(Never)),
    (326, file::copy_file_range, Is(Never)),
    (332, file::statx, Is(Never)),
    (436, file::close_range, Is(Never)),
    (439, file::faccessat2, Is(Never)),
    (452, file::fchmodat2, Is(Never)),
];

/// Braid's own (docs/abi.md).
#[rustfmt::skip]
const OWN: &[(u64, Handler, Rule)] = &[
    (braid::TORUS_INFO, braid::torus_info, Is(Never)),
    (migrate::MIGRATE, migrate::migrate, Is(Fails)),
    (drain::DRAIN, drain::drain, Is(Fails)),
    (braid::PROCESS_INFO, braid::process_info, Is(Never)),
    (4100, vmo::builder, Is(Never)),
    (4101, vmo::append, Is(Never)),
    (4102, vmo::patch, Is(Never)),
    (4103, vmo::commit, Is(Never)),
    (4104, vmo::slice, Is(Never)),
    (4105, vmo::concat, Is(Never)),
    (4106, vmo::id, Is(Never)),
    (4107, snapshot::snapshot, Is(Never)),
    (4108, vmo::restrict, Is(Never)),
    (4109, vmo::of_file, Is(Never)),
    (4110, vmo::rights, Is(Never)),
    (braid::RING_PROBE, braid::ring_probe, Is(Restarts)),
    (braid::FAIL_ALLOCATION, braid::fail_allocation, Is(Never)),
];

/// The kernel's own, which no program can make: what a thread does before or after its program. Each answers as a call that is not
/// there when it is not in flight already.
const INTERNAL: &[(u64, Handler, Rule)] = &[
    (fork::BIRTH, fork::birth, Is(Never)),
    (init::FIRST, init::first, Is(Never)),
    (closing::LAST, closing::last, Is(Never)),
];

/// One more than the largest of Linux's numbers.
const COUNT: usize = 512;
/// The first of Braid's numbers.
const OWN_FIRST: u64 = braid::TORUS_INFO;
/// Numbers from that one on.
const OWN_COUNT: usize = 32;
/// The first internal number.
const INTERNAL_FIRST: u64 = u64::MAX - 3;

/// Entries by number.
static BY_NUMBER: [Option<Entry>; COUNT] = by_number(LINUX, 0);
static OWN_BY_NUMBER: [Option<Entry>; OWN_COUNT] = by_number(OWN, OWN_FIRST);
static INTERNAL_BY_NUMBER: [Option<Entry>; 4] = by_number(INTERNAL, INTERNAL_FIRST);

/// Entries by their numbers from `first` on.
const fn by_number<const N: usize>(
    entries: &[(u64, Handler, Rule)],
    first: u64,
) -> [Option<Entry>; N] {
    let mut table: [Option<Entry>; N] = [None; N];
    let mut index = 0;
    while index < entries.len() {
        let (number, handler, rule) = entries[index];
        let place = &mut table[(number - first) as usize];
        assert!(place.is_none(), "two functions for one number");
        *place = Some(Entry { handler, rule });
        index += 1;
    }
    table
}

/// The call of a number.
#[inline]
pub fn entry(number: u64) -> Option<&'static Entry> {
    if number < COUNT as u64 {
        return BY_NUMBER[number as usize].as_ref();
    }
    let own = OWN_BY_NUMBER.get(number.wrapping_sub(OWN_FIRST) as usize);
    let internal = INTERNAL_BY_NUMBER.get(number.wrapping_sub(INTERNAL_FIRST) as usize);
    own.or(internal)?.as_ref()
}
