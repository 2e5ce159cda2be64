//! Signals: masks, handlers, interrupted calls, and timers that send them.

use crate::own;
use braid_test_programs::children::{fork, kill, pipe, wait};
use braid_test_programs::{call, show};
use libc as l;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

pub(crate) static COUNT: AtomicUsize = AtomicUsize::new(0);

pub(crate) static LAST: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(signal: i32) {
    COUNT.fetch_add(1, Ordering::SeqCst);
    LAST.store(signal as usize, Ordering::SeqCst);
}

pub(crate) fn handle(signal: i32, flags: i32) {
    // SAFETY: P3.
    unsafe {
        let mut action: l::sigaction = std::mem::zeroed();
        action.sa_sigaction = count as *const () as usize;
        action.sa_flags = flags;
        l::sigaction(signal, &raw const action, std::ptr::null_mut());
    }
}

pub(crate) fn set_default(signal: i32) {
    // SAFETY: P3, no handler any more.
    unsafe { l::signal(signal, l::SIG_DFL) };
}

pub(crate) fn masks() {
    COUNT.store(0, Ordering::SeqCst);
    handle(l::SIGUSR1, 0);
    handle(l::SIGUSR2, 0);
    let set = 1u64 << (l::SIGUSR1 - 1);
    let mask = |how: i32, set: u64| {
        call(
            l::SYS_rt_sigprocmask,
            [how as usize, &raw const set as usize, 0, 8],
        )
    };
    show("block", mask(l::SIG_BLOCK, set));
    kill(own(), l::SIGUSR1).expect("to send");
    kill(own(), l::SIGUSR1).expect("to send");
    println!("handled {}", COUNT.load(Ordering::SeqCst));
    let mut pending = 0u64;
    show(
        "pending",
        call(l::SYS_rt_sigpending, [&raw mut pending as usize, 8]),
    );
    println!("{pending:#x}");
    kill(own(), l::SIGUSR2).expect("to send");
    println!(
        "handled {}, last {}",
        COUNT.load(Ordering::SeqCst),
        LAST.load(Ordering::SeqCst)
    );
    let none = 0u64;
    show(
        "suspend",
        call(l::SYS_rt_sigsuspend, [&raw const none as usize, 8]),
    );
    println!(
        "handled {}, last {}",
        COUNT.load(Ordering::SeqCst),
        LAST.load(Ordering::SeqCst)
    );
    show("unblock", mask(l::SIG_UNBLOCK, set));
    println!("handled {}", COUNT.load(Ordering::SeqCst));
    show(
        "handle SIGKILL",
        call(
            l::SYS_rt_sigaction,
            [l::SIGKILL as usize, &raw const none as usize, 0, 8],
        ),
    );
    show(
        "wrong set size",
        call(l::SYS_rt_sigprocmask, [0, &raw const none as usize, 0, 4]),
    );
    set_default(l::SIGUSR1);
    set_default(l::SIGUSR2);
}

/// A read that a handler interrupts goes on with SA_RESTART, and ends without.
pub(crate) fn restarts() {
    for flags in [0, l::SA_RESTART] {
        handle(l::SIGUSR1, flags);
        let [reader, writer] = pipe();
        let parent = own();
        let child = fork(|| {
            std::thread::sleep(Duration::from_millis(100));
            kill(parent, l::SIGUSR1).expect("to send");
            std::thread::sleep(Duration::from_millis(100));
            i32::from(call(l::SYS_write, [writer, b"x".as_ptr() as usize, 1]) != Ok(1))
        });
        let mut byte = 0u8;
        show(
            "read",
            call(l::SYS_read, [reader, &raw mut byte as usize, 1]),
        );
        println!("child: {:?}", wait(child));
        for end in [reader, writer] {
            call(l::SYS_close, [end]).expect("to close");
        }
    }
    set_default(l::SIGUSR1);
}

pub(crate) fn timers() {
    COUNT.store(0, Ordering::SeqCst);
    handle(l::SIGALRM, 0);
    let start = Instant::now();
    let nap = |millis: u64| {
        let request = [0u64, millis * 1_000_000];
        call(l::SYS_nanosleep, [request.as_ptr() as usize, 0])
    };
    show("sleep", nap(50));
    println!(
        "at least as long: {}",
        start.elapsed() >= Duration::from_millis(50)
    );
    let once = [0usize, 0, 0, 30_000];
    show(
        "set timer",
        call(l::SYS_setitimer, [0, once.as_ptr() as usize, 0]),
    );
    show("sleep", nap(5000));
    println!("alarms {}", COUNT.load(Ordering::SeqCst));
    let often = [0usize, 10_000, 0, 10_000];
    show(
        "set timer",
        call(l::SYS_setitimer, [0, often.as_ptr() as usize, 0]),
    );
    while COUNT.load(Ordering::SeqCst) < 5 {
        std::hint::spin_loop();
    }
    let never = [0usize; 4];
    show(
        "stop timer",
        call(l::SYS_setitimer, [0, never.as_ptr() as usize, 0]),
    );
    let mut entry = l::pollfd {
        fd: -1,
        events: l::POLLIN,
        revents: 0,
    };
    let start = Instant::now();
    show("poll", call(l::SYS_poll, [&raw mut entry as usize, 1, 40]));
    println!(
        "at least as long: {}",
        start.elapsed() >= Duration::from_millis(40)
    );
    let wrong = [0u64, 2_000_000_000];
    show(
        "sleep wrong",
        call(l::SYS_nanosleep, [wrong.as_ptr() as usize, 0]),
    );
    show("sleep nowhere", call(l::SYS_nanosleep, [8, 0]));
    set_default(l::SIGALRM);
}
