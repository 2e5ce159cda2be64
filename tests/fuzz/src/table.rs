//! The calls that there are, with what each argument is. A call that stands here twice is made twice as often.

use crate::kind::Kind;
use Kind::{
    Action, Address, Edge, Extent, Fd, Interval, IoVec, Length, Mask, Path, Pid, Pointer, PollFds,
    Small, Span, Strings, Torus, Words, Zero,
};
use libc as l;

/// A call: its number, and what it takes.
pub(crate) type Shape = (i64, &'static [Kind]);

/// Braid's own, in docs/abi.md.
pub(crate) const TORUS_INFO: i64 = 4096;
/// Braid's own, in docs/abi.md.
pub(crate) const MIGRATE: i64 = 4097;
/// Braid's own, in docs/abi.md.
pub(crate) const DRAIN: i64 = 4098;
/// Braid's own, in docs/abi.md.
pub(crate) const PROCESS_INFO: i64 = 4099;
/// Braid's own, in docs/abi.md.
pub(crate) const BUILDER: i64 = 4100;
/// Braid's own, in docs/abi.md.
pub(crate) const APPEND: i64 = 4101;
/// Braid's own, in docs/abi.md.
pub(crate) const PATCH: i64 = 4102;
/// Braid's own, in docs/abi.md.
pub(crate) const COMMIT: i64 = 4103;
/// Braid's own, in docs/abi.md.
pub(crate) const SLICE: i64 = 4104;
/// Braid's own, in docs/abi.md.
pub(crate) const CONCAT: i64 = 4105;
/// Braid's own, in docs/abi.md.
pub(crate) const ID: i64 = 4106;
/// Braid's own, in docs/abi.md.
pub(crate) const SNAPSHOT: i64 = 4107;
/// Braid's own, in docs/abi.md.
pub(crate) const RESTRICT: i64 = 4108;
/// Braid's own, in docs/abi.md.
pub(crate) const OF_FILE: i64 = 4109;
/// Braid's own, in docs/abi.md.
pub(crate) const RIGHTS: i64 = 4110;
/// Braid's own, in docs/abi.md.
pub(crate) const RING_PROBE: i64 = 4112;

/// Linux's calls and Braid's.
#[rustfmt::skip]
pub(crate) const CALLS: &[Shape] = &[
    (l::SYS_read, &[Fd, Pointer, Length]),
    (l::SYS_write, &[Fd, Pointer, Length]),
    (l::SYS_open, &[Path, Small, Small]),
    (l::SYS_close, &[Fd]),
    (l::SYS_stat, &[Path, Pointer]),
    (l::SYS_fstat, &[Fd, Pointer]),
    (l::SYS_lstat, &[Path, Pointer]),
    (l::SYS_poll, &[PollFds, Small, Small]),
    (l::SYS_lseek, &[Fd, Edge, Small]),
    (l::SYS_mmap, &[Address, Extent, Small, Small, Fd, Edge]),
    (l::SYS_mmap, &[Address, Extent, Small, Small, Fd, Edge]),
    (l::SYS_mprotect, &[Address, Extent, Small]),
    (l::SYS_munmap, &[Address, Extent]),
    (l::SYS_brk, &[Address]),
    (l::SYS_rt_sigaction, &[Small, Action, Pointer, Small]),
    (l::SYS_rt_sigprocmask, &[Small, Mask, Pointer, Small]),
    (l::SYS_ioctl, &[Fd, Edge, Pointer]),
    (l::SYS_pread64, &[Fd, Pointer, Length, Edge]),
    (l::SYS_pwrite64, &[Fd, Pointer, Length, Edge]),
    (l::SYS_readv, &[Fd, IoVec, Small]),
    (l::SYS_writev, &[Fd, IoVec, Small]),
    (l::SYS_access, &[Path, Small]),
    (l::SYS_pipe, &[Pointer]),
    (l::SYS_select, &[Small, Pointer, Pointer, Pointer, Span]),
    (l::SYS_sched_yield, &[]),
    (l::SYS_mremap, &[Address, Extent, Extent, Small, Address]),
    (l::SYS_mremap, &[Address, Extent, Extent, Small, Address]),
    (l::SYS_msync, &[Address, Extent, Small]),
    (l::SYS_mincore, &[Address, Extent, Pointer]),
    (l::SYS_madvise, &[Address, Extent, Small]),
    (l::SYS_madvise, &[Address, Extent, Small]),
    (l::SYS_dup, &[Fd]),
    (l::SYS_dup2, &[Fd, Fd]),
    (l::SYS_pause, &[]),
    (l::SYS_nanosleep, &[Span, Pointer]),
    (l::SYS_getitimer, &[Small, Pointer]),
    (l::SYS_alarm, &[Small]),
    (l::SYS_setitimer, &[Small, Interval, Pointer]),
    (l::SYS_getpid, &[]),
    (l::SYS_sendfile, &[Fd, Fd, Pointer, Length]),
    (l::SYS_clone, &[Small, Address, Address, Address, Address]),
    (l::SYS_fork, &[]),
    (l::SYS_vfork, &[]),
    (l::SYS_execve, &[Path, Strings, Strings]),
    (l::SYS_wait4, &[Pid, Pointer, Small, Pointer]),
    (l::SYS_kill, &[Pid, Small]),
    (l::SYS_uname, &[Pointer]),
    (l::SYS_fcntl, &[Fd, Small, Edge]),
    (l::SYS_fcntl, &[Fd, Small, Pointer]),
    (l::SYS_flock, &[Fd, Small]),
    (l::SYS_fsync, &[Fd]),
    (l::SYS_fdatasync, &[Fd]),
    (l::SYS_truncate, &[Path, Edge]),
    (l::SYS_ftruncate, &[Fd, Edge]),
    (l::SYS_getcwd, &[Pointer, Length]),
    (l::SYS_chdir, &[Path]),
    (l::SYS_fchdir, &[Fd]),
    (l::SYS_rename, &[Path, Path]),
    (l::SYS_mkdir, &[Path, Small]),
    (l::SYS_rmdir, &[Path]),
    (l::SYS_creat, &[Path, Small]),
    (l::SYS_link, &[Path, Path]),
    (l::SYS_unlink, &[Path]),
    (l::SYS_symlink, &[Path, Path]),
    (l::SYS_readlink, &[Path, Pointer, Length]),
    (l::SYS_chmod, &[Path, Small]),
    (l::SYS_fchmod, &[Fd, Small]),
    (l::SYS_chown, &[Path, Small, Small]),
    (l::SYS_fchown, &[Fd, Small, Small]),
    (l::SYS_lchown, &[Path, Small, Small]),
    (l::SYS_umask, &[Small]),
    (l::SYS_gettimeofday, &[Pointer, Pointer]),
    (l::SYS_getrlimit, &[Small, Pointer]),
    (l::SYS_getrusage, &[Small, Pointer]),
    (l::SYS_sysinfo, &[Pointer]),
    (l::SYS_times, &[Pointer]),
    (l::SYS_getuid, &[]),
    (l::SYS_getgid, &[]),
    (l::SYS_setuid, &[Small]),
    (l::SYS_setgid, &[Small]),
    (l::SYS_geteuid, &[]),
    (l::SYS_getegid, &[]),
    (l::SYS_setpgid, &[Pid, Small]),
    (l::SYS_setsid, &[]),
    (l::SYS_setreuid, &[Small, Small]),
    (l::SYS_setregid, &[Small, Small]),
    (l::SYS_getgroups, &[Small, Pointer]),
    (l::SYS_setgroups, &[Small, Pointer]),
    (l::SYS_setresuid, &[Small, Small, Small]),
    (l::SYS_getresuid, &[Pointer, Pointer, Pointer]),
    (l::SYS_setresgid, &[Small, Small, Small]),
    (l::SYS_getresgid, &[Pointer, Pointer, Pointer]),
    (l::SYS_getpgid, &[Pid]),
    (l::SYS_getppid, &[]),
    (l::SYS_getpgrp, &[]),
    (l::SYS_setfsuid, &[Small]),
    (l::SYS_setfsgid, &[Small]),
    (l::SYS_getsid, &[Pid]),
    (l::SYS_capget, &[Pointer, Pointer]),
    (l::SYS_capset, &[Pointer, Pointer]),
    (l::SYS_rt_sigpending, &[Pointer, Small]),
    (l::SYS_rt_sigtimedwait, &[Mask, Pointer, Span, Small]),
    (l::SYS_rt_sigqueueinfo, &[Pid, Small, Pointer]),
    (l::SYS_rt_sigsuspend, &[Mask, Small]),
    (l::SYS_sigaltstack, &[Words, Words]),
    (l::SYS_utime, &[Path, Pointer]),
    (l::SYS_mknod, &[Path, Small, Edge]),
    (l::SYS_personality, &[Edge]),
    (l::SYS_statfs, &[Path, Pointer]),
    (l::SYS_fstatfs, &[Fd, Pointer]),
    (l::SYS_getpriority, &[Small, Pid]),
    (l::SYS_setpriority, &[Small, Pid, Small]),
    (l::SYS_sched_setparam, &[Pid, Words]),
    (l::SYS_sched_getparam, &[Pid, Pointer]),
    (l::SYS_sched_setscheduler, &[Pid, Small, Words]),
    (l::SYS_sched_getscheduler, &[Pid]),
    (l::SYS_sched_get_priority_max, &[Small]),
    (l::SYS_sched_get_priority_min, &[Small]),
    (l::SYS_sched_rr_get_interval, &[Pid, Pointer]),
    (l::SYS_mlock, &[Address, Extent]),
    (l::SYS_munlock, &[Address, Extent]),
    (l::SYS_mlockall, &[Small]),
    (l::SYS_munlockall, &[]),
    (l::SYS_prctl, &[Small, Edge, Edge]),
    (l::SYS_arch_prctl, &[Small, Address]),
    (l::SYS_setrlimit, &[Small, Pointer]),
    (l::SYS_sync, &[]),
    (l::SYS_gettid, &[]),
    (l::SYS_readahead, &[Fd, Edge, Length]),
    (l::SYS_tkill, &[Pid, Small]),
    (l::SYS_time, &[Pointer]),
    (l::SYS_futex, &[Pointer, Small, Small, Span, Pointer, Small]),
    (l::SYS_sched_setaffinity, &[Pid, Length, Pointer]),
    (l::SYS_sched_getaffinity, &[Pid, Length, Pointer]),
    (l::SYS_getdents64, &[Fd, Pointer, Length]),
    (l::SYS_set_tid_address, &[Pointer]),
    (l::SYS_fadvise64, &[Fd, Edge, Edge, Small]),
    (l::SYS_timer_create, &[Small, Pointer, Pointer]),
    (l::SYS_clock_gettime, &[Small, Pointer]),
    (l::SYS_clock_getres, &[Small, Pointer]),
    (l::SYS_clock_nanosleep, &[Small, Small, Span, Pointer]),
    (l::SYS_tgkill, &[Pid, Pid, Small]),
    (l::SYS_utimes, &[Path, Pointer]),
    (l::SYS_get_mempolicy, &[Pointer, Pointer, Small, Address, Small]),
    (l::SYS_waitid, &[Small, Pid, Pointer, Small, Pointer]),
    (l::SYS_openat, &[Fd, Path, Small, Small]),
    (l::SYS_mkdirat, &[Fd, Path, Small]),
    (l::SYS_mknodat, &[Fd, Path, Small, Edge]),
    (l::SYS_fchownat, &[Fd, Path, Small, Small, Small]),
    (l::SYS_futimesat, &[Fd, Path, Pointer]),
    (l::SYS_newfstatat, &[Fd, Path, Pointer, Small]),
    (l::SYS_unlinkat, &[Fd, Path, Small]),
    (l::SYS_renameat, &[Fd, Path, Fd, Path]),
    (l::SYS_linkat, &[Fd, Path, Fd, Path, Small]),
    (l::SYS_symlinkat, &[Path, Fd, Path]),
    (l::SYS_readlinkat, &[Fd, Path, Pointer, Length]),
    (l::SYS_fchmodat, &[Fd, Path, Small]),
    (l::SYS_faccessat, &[Fd, Path, Small]),
    (l::SYS_pselect6, &[Small, Pointer, Pointer, Pointer, Span, Words]),
    (l::SYS_ppoll, &[PollFds, Small, Span, Mask, Small]),
    (l::SYS_set_robust_list, &[Pointer, Length]),
    (l::SYS_get_robust_list, &[Pid, Pointer, Pointer]),
    (l::SYS_utimensat, &[Fd, Path, Span, Small]),
    (l::SYS_fallocate, &[Fd, Small, Edge, Edge]),
    (l::SYS_dup3, &[Fd, Fd, Small]),
    (l::SYS_pipe2, &[Pointer, Small]),
    (l::SYS_preadv, &[Fd, IoVec, Small, Edge]),
    (l::SYS_pwritev, &[Fd, IoVec, Small, Edge]),
    (l::SYS_rt_tgsigqueueinfo, &[Pid, Pid, Small, Pointer]),
    (l::SYS_prlimit64, &[Pid, Small, Pointer, Pointer]),
    (l::SYS_syncfs, &[Fd]),
    (l::SYS_getcpu, &[Pointer, Pointer, Pointer]),
    (l::SYS_renameat2, &[Fd, Path, Fd, Path, Small]),
    (l::SYS_getrandom, &[Pointer, Length, Small]),
    (l::SYS_memfd_create, &[Path, Small]),
    (l::SYS_execveat, &[Fd, Path, Strings, Strings, Small]),
    (l::SYS_membarrier, &[Small, Small]),
    (l::SYS_mlock2, &[Address, Extent, Small]),
    (l::SYS_copy_file_range, &[Fd, Pointer, Fd, Pointer, Length, Small]),
    (l::SYS_preadv2, &[Fd, IoVec, Small, Edge, Small]),
    (l::SYS_pwritev2, &[Fd, IoVec, Small, Edge, Small]),
    (l::SYS_pkey_mprotect, &[Address, Extent, Small, Small]),
    (l::SYS_statx, &[Fd, Path, Small, Small, Pointer]),
    (l::SYS_pidfd_open, &[Pid, Small]),
    (l::SYS_clone3, &[Pointer, Length]),
    (l::SYS_close_range, &[Small, Small, Small]),
    (l::SYS_faccessat2, &[Fd, Path, Small, Small]),
    (l::SYS_fchmodat2, &[Fd, Path, Small, Small]),
    (TORUS_INFO, &[Edge, Pointer, Length]),
    (TORUS_INFO, &[Small, Pointer, Length]),
    (MIGRATE, &[Pid, Small, Small]),
    (MIGRATE, &[Zero, Torus, Zero]),
    (MIGRATE, &[Zero, Torus, Zero]),
    (DRAIN, &[Torus, Torus]),
    (PROCESS_INFO, &[Pid, Pointer, Length]),
    (BUILDER, &[Edge, Small]),
    (APPEND, &[Fd, Pointer, Length]),
    (PATCH, &[Fd, Words, Small, Small]),
    (COMMIT, &[Fd, Small]),
    (SLICE, &[Fd, Edge, Edge, Small]),
    (CONCAT, &[Fd, Fd, Small]),
    (ID, &[Fd, Pointer]),
    (SNAPSHOT, &[Address, Extent, Small]),
    (SNAPSHOT, &[Address, Extent, Small]),
    (RESTRICT, &[Fd, Small, Small]),
    (OF_FILE, &[Fd, Small]),
    (RIGHTS, &[Fd]),
    (RING_PROBE, &[Torus, Small, Small, Pointer]),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel's own table.
    const KERNEL: &str = include_str!("../../../kernel/linux/src/syscall/table.rs");
    /// What victims do otherwise, or must not: return from handlers, end, and turn the machine off.
    const NOT_MADE: [i64; 4] = [
        l::SYS_rt_sigreturn,
        l::SYS_exit,
        l::SYS_exit_group,
        l::SYS_reboot,
    ];

    /// The number at the start of a row of the table.
    fn number(row: &str) -> Option<i64> {
        let (number, _) = row.strip_prefix("    (")?.split_once(',')?;
        number.parse().ok()
    }

    #[test]
    fn each_call_of_the_kernel_is_made() {
        let numbers: Vec<i64> = KERNEL.lines().filter_map(number).collect();
        assert!(numbers.len() > 150, "the table is not where it was");
        let made = |number: &i64| CALLS.iter().any(|(call, _)| call == number);
        let missing: Vec<i64> = numbers
            .into_iter()
            .filter(|number| !NOT_MADE.contains(number) && !made(number))
            .collect();
        assert_eq!(missing, [], "calls without a row in the fuzzer's table");
    }
}
