//! What a victim leaves alone, so that it lives long enough to do harm: ends of the machine, of all victims, of its signals.

use libc as l;

use crate::kind::{Kind, value};
use crate::table::{DRAIN, MIGRATE};
use crate::world::World;

/// Bytes of most files at the most.
const SIZE: u64 = 1 << 17;
/// SIGKILL and the signals that stop.
const ENDS: [u64; 5] = [9, 19, 20, 21, 22];

/// Makes a call harmless to the fuzzer itself; false: it is not made.
pub(crate) fn restrain(number: i64, arguments: &mut [u64; 6], world: &mut World) -> bool {
    let seldom = world.random.one_in(6);
    let rarely = seldom && world.random.one_in(10);
    let own = u64::from(std::process::id());
    let a = arguments;
    match number {
        l::SYS_reboot | l::SYS_exit | l::SYS_exit_group | l::SYS_rt_sigreturn | l::SYS_vfork => {
            return false;
        }
        // A new session or group would be out of reach of whoever ends the victim.
        l::SYS_setsid | l::SYS_setpgid => return false,
        // As another user a victim can do less.
        l::SYS_setuid..=l::SYS_setgid
        | l::SYS_setreuid..=l::SYS_setregid
        | l::SYS_setresuid
        | l::SYS_setresgid
        | l::SYS_setgroups => return world.random.one_in(40),
        // Calls that wait until a signal comes, and one that takes the signals away.
        l::SYS_pause | l::SYS_rt_sigsuspend => return seldom,
        l::SYS_rt_sigaction => {
            let kept = [l::SIGALRM, l::SIGSEGV, l::SIGBUS].map(|signal| signal as u64);
            return !kept.contains(&(a[0] & 0xffff_ffff)) || seldom;
        }
        l::SYS_rt_sigprocmask => a[1] = value(Kind::Mask, world),
        l::SYS_sigaltstack => return seldom,
        l::SYS_setitimer => a[1] = value(Kind::Interval, world),
        l::SYS_alarm => a[0] |= 1,
        // Another program does not play on.
        l::SYS_execve | l::SYS_execveat if !seldom => a[1] = world.random.edge(),
        l::SYS_kill | l::SYS_tkill => {
            a[0] = own;
            return seldom || !ENDS.contains(&a[1]);
        }
        l::SYS_tgkill | l::SYS_rt_tgsigqueueinfo => (a[0], a[1]) = (own, own),
        l::SYS_rt_sigqueueinfo => a[0] = own,
        // Descriptors up to the limit are a victim's own; more would only use memory up.
        l::SYS_setrlimit if i64::from(a[0] as i32) == i64::from(l::RLIMIT_NOFILE) => return false,
        l::SYS_prlimit64 if i64::from(a[1] as i32) == i64::from(l::RLIMIT_NOFILE) => a[2] = 0,
        // User 0 may take the fuzzer its memory by this.
        l::SYS_prlimit64 if a[2] != 0 => a[0] = own,
        // Large files take their time: a map of a remote one copies it.
        l::SYS_truncate | l::SYS_ftruncate if !rarely => a[1] %= SIZE,
        l::SYS_fallocate if !rarely => (a[2], a[3]) = (a[2] % SIZE, a[3] % SIZE),
        l::SYS_pwrite64 | l::SYS_pwritev if !rarely => a[3] %= SIZE,
        l::SYS_arch_prctl if a[0] == 0x1002 => return seldom,
        MIGRATE => return world.random.one_in(2),
        DRAIN => return seldom,
        _ => {}
    }
    true
}
