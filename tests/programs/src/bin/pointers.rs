//! Every system call with pointers that lead nowhere. What they answer is not compared: that the program and the machine go on is.

use braid_test_programs::{Answer, call};
use libc as l;

/// Calls that would end, stop or block the program, or take away what it stands on.
const LEFT_OUT: [i64; 24] = [
    l::SYS_rt_sigreturn,
    l::SYS_exit,
    l::SYS_exit_group,
    l::SYS_fork,
    l::SYS_vfork,
    l::SYS_clone,
    l::SYS_clone3,
    l::SYS_pause,
    l::SYS_rt_sigsuspend,
    l::SYS_rt_sigtimedwait,
    l::SYS_munmap,
    l::SYS_mmap,
    l::SYS_mprotect,
    l::SYS_mremap,
    l::SYS_brk,
    l::SYS_arch_prctl,
    l::SYS_kill,
    l::SYS_tkill,
    l::SYS_tgkill,
    l::SYS_alarm,
    l::SYS_reboot,
    l::SYS_vhangup,
    l::SYS_restart_syscall,
    l::SYS_futex,
];

/// One more than the largest number tried.
const MOST: i64 = 460;

fn main() {
    if std::env::args().nth(1).as_deref() != Some("really") {
        println!("usage: pointers really (never on a host)");
        std::process::exit(2);
    }
    let addresses = [
        0,
        1,
        0x1000,
        0x7fff_ffff_f000,
        0x7fff_ffff_eff9,
        0x8000_0000_0000,
        0xffff_8000_0000_0000,
        0xffff_ffff_8000_0000,
        usize::MAX,
    ];
    let mut made = 0;
    handle_alarm();
    for number in (0..MOST).filter(|number| !LEFT_OUT.contains(number)) {
        start_alarm();
        for address in addresses {
            for argument in 0..6 {
                // The first argument is often a descriptor: one that is open for half of them.
                let mut arguments = [3, 8, 8, 8, 8, 8];
                arguments[argument] = address;
                made += count(call(number, arguments));
                arguments = [address; 6];
                arguments[argument] = 0;
                made += count(call(number, arguments));
            }
        }
    }
    // Descriptors 1 and 2 may be gone by now: the status says it.
    std::process::exit(if made > 40_000 { 42 } else { 1 });
}

/// Answered is answered, whatever the answer is.
fn count(_: Answer) -> usize {
    1
}

/// Calls that wait are interrupted by an alarm.
fn handle_alarm() {
    extern "C" fn handler(_: i32) {}
    // SAFETY: P3, the handler does nothing; without SA_RESTART it interrupts.
    unsafe {
        let mut action: l::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        l::sigaction(l::SIGALRM, &raw const action, std::ptr::null_mut());
    }
}

/// Every 2 ms; a call that was tried may have stopped it.
fn start_alarm() {
    let times = [0usize, 2000, 0, 2000];
    count(call(
        l::SYS_setitimer,
        [l::ITIMER_REAL as usize, times.as_ptr() as usize, 0],
    ));
}
