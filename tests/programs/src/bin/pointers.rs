//! Every system call with pointers that lead nowhere. What they answer is not compared: that the program and the machine go on is.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use braid_test_programs::memory::{PAGE, RW, map, unmap};
use braid_test_programs::{Answer, call};
use libc as l;

/// Calls that may end or stop the program, or take away what it stands on: a child makes them.
const OF_CHILDREN: [i64; 24] = [
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

/// All that have Linux's numbers, and more.
const LINUX: Range<i64> = 0..512;
/// Braid's own, and those beside them.
const BRAID: Range<i64> = 4090..4120;
/// Numbers by which the kernel itself means something, which no program may ask for.
const LAST: Range<i64> = -8..0;

const ADDRESSES: [usize; 9] = [
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
/// Ways to put an address into the arguments of a call.
const WAYS: usize = ADDRESSES.len() * 12;

fn main() {
    if std::env::args().nth(1).as_deref() != Some("really") {
        println!("usage: pointers really (never on a host)");
        std::process::exit(2);
    }
    handle_alarm();
    let mut made = 0;
    for number in LINUX.filter(|number| !OF_CHILDREN.contains(number)) {
        start_alarm();
        made += (0..WAYS)
            .map(|way| count(call(number, arguments(way))))
            .sum::<usize>();
    }
    let by_children: usize = OF_CHILDREN.into_iter().map(in_children).sum();
    for number in BRAID.chain(LAST) {
        start_alarm();
        made += (0..WAYS)
            .map(|way| count(call(number, arguments(way))))
            .sum::<usize>();
    }
    // Descriptors 1 and 2 may be gone by now: the status says it.
    let all = made == (LINUX.count() - OF_CHILDREN.len() + BRAID.count() + LAST.count()) * WAYS;
    let all = all && by_children == OF_CHILDREN.len() * WAYS;
    std::process::exit(if all { 42 } else { 1 });
}

/// One of the ways. The first argument is often a descriptor: one that is open for half of them.
fn arguments(way: usize) -> [usize; 6] {
    let (address, argument) = (ADDRESSES[way / 12], way % 12 / 2);
    let mut arguments = [3, 8, 8, 8, 8, 8];
    if way.is_multiple_of(2) {
        arguments[argument] = address;
    } else {
        arguments = [address; 6];
        arguments[argument] = 0;
    }
    arguments
}

/// Makes a call in all ways, in children: each goes on where the one before came to its end. Answers how many were made.
fn in_children(number: i64) -> usize {
    let shared = l::MAP_SHARED | l::MAP_ANONYMOUS;
    let page = map(0, PAGE, RW, shared).expect("memory");
    // SAFETY: P2, zeros are an atomic zero.
    let made = unsafe { &*(page as *const AtomicUsize) };
    while made.load(Relaxed) < WAYS {
        // SAFETY: P4.
        let child = unsafe { l::fork() };
        if child == 0 {
            go_on(number, made);
        }
        // The group that the child sends signals to is its own.
        while child > 0 && call(l::SYS_wait4, [child as usize, 0, 0, 0]) == Err(l::EINTR) {}
    }
    let made = made.load(Relaxed);
    unmap(page, PAGE).expect("to unmap");
    made
}

/// A child's part.
fn go_on(number: i64, made: &AtomicUsize) -> ! {
    // SAFETY: P1.
    let (own, _) = unsafe { (l::getpid(), l::setpgid(0, 0)) };
    loop {
        start_alarm();
        let way = made.fetch_add(1, Relaxed);
        if way < WAYS {
            count(call(number, arguments(way)));
        }
        // SAFETY: P1: a child of this one has nothing to do.
        if way + 1 >= WAYS || unsafe { l::getpid() } != own {
            // SAFETY: P1.
            unsafe { l::_exit(0) }
        }
    }
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
        // Children send these to everybody.
        l::signal(l::SIGHUP, l::SIG_IGN);
        l::signal(l::SIGFPE, l::SIG_IGN);
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
