//! Processes, signals, timers, registers: one kind for each first argument, or all.

use braid_test_programs::{Answer, call, show};
use libc as l;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const KINDS: [(&str, fn()); 10] = [
    ("waiting", waiting),
    ("chain", chain),
    ("crowd", crowd),
    ("blocking", blocking),
    ("masks", masks),
    ("restarts", restarts),
    ("timers", timers),
    ("vectors", vectors),
    ("groups", groups),
    ("faults", faults),
];

fn main() {
    let wanted = std::env::args().nth(1);
    for (name, run) in KINDS {
        if wanted.as_deref().is_none_or(|wanted| wanted == name) {
            println!("- {name}");
            run();
        }
    }
}

/// Runs `child` in a new process, whose exit status it answers; the parent gets its number.
fn fork(child: impl FnOnce() -> i32) -> usize {
    // SAFETY: P4.
    match unsafe { l::fork() } {
        0 => std::process::exit(child()),
        pid => usize::try_from(pid).expect("a process"),
    }
}

/// Waits for a child and answers its wait status.
fn wait(pid: usize) -> Answer {
    let mut status = 0i32;
    call(l::SYS_wait4, [pid, &raw mut status as usize, 0, 0]).map(|_| status as usize)
}

fn handle(signal: i32, flags: i32) {
    // SAFETY: P3.
    unsafe {
        let mut action: l::sigaction = std::mem::zeroed();
        action.sa_sigaction = count as *const () as usize;
        action.sa_flags = flags;
        l::sigaction(signal, &raw const action, std::ptr::null_mut());
    }
}

fn set_default(signal: i32) {
    // SAFETY: P3, no handler any more.
    unsafe { l::signal(signal, l::SIG_DFL) };
}

static COUNT: AtomicUsize = AtomicUsize::new(0);
static LAST: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(signal: i32) {
    COUNT.fetch_add(1, Ordering::SeqCst);
    LAST.store(signal as usize, Ordering::SeqCst);
}

fn kill(pid: usize, signal: i32) -> Answer {
    call(l::SYS_kill, [pid, signal as usize])
}

fn own() -> usize {
    std::process::id() as usize
}

fn waiting() {
    show("wait without children", wait(usize::MAX));
    let child = fork(|| 7);
    show("exit 7", wait(child));
    show("wait again", wait(child));
    let child = fork(|| {
        loop {
            std::thread::sleep(Duration::from_secs(1));
        }
    });
    let mut status = 0i32;
    show(
        "no hang",
        call(
            l::SYS_wait4,
            [child, &raw mut status as usize, l::WNOHANG as usize, 0],
        ),
    );
    show("kill", kill(child, l::SIGTERM));
    show("terminated", wait(child));
    show("kill nobody", kill(child, 0));
    show("kill nonsense", kill(own(), 99));
    let child = fork(|| {
        loop {
            std::thread::sleep(Duration::from_secs(1));
        }
    });
    show("stop", kill(child, l::SIGSTOP));
    let stopped = call(
        l::SYS_wait4,
        [child, &raw mut status as usize, l::WUNTRACED as usize, 0],
    );
    show("stopped", stopped.map(|_| status as usize));
    show("continue", kill(child, l::SIGCONT));
    let continued = call(
        l::SYS_wait4,
        [child, &raw mut status as usize, l::WCONTINUED as usize, 0],
    );
    show("continued", continued.map(|_| status as usize));
    show("kill", kill(child, l::SIGKILL));
    show("killed", wait(child));
}

/// Each process has a child, 50 deep; sums come back through exit statuses.
fn chain() {
    fn link(depth: i32, memory: &mut [u8]) -> i32 {
        memory[depth as usize * 4096] = 1;
        if depth == 50 {
            return memory.iter().map(|&byte| i32::from(byte)).sum();
        }
        let child = fork(|| link(depth + 1, memory));
        (wait(child).expect("a child") >> 8) as i32
    }
    let mut memory = vec![0u8; 64 * 4096];
    println!("{}", link(0, &mut memory));
    println!("{}", memory.iter().filter(|&&byte| byte != 0).count());
}

/// Twenty processes compute at once, and all get the same result.
fn crowd() {
    let compute = || {
        let mut value = 1u64;
        for _ in 0..2_000_000 {
            value = value
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
        }
        (value >> 57) as i32
    };
    let expected = compute();
    let children: Vec<usize> = (0..20).map(|_| fork(compute)).collect();
    let right = children
        .iter()
        .filter(|&&child| wait(child) == Ok((expected as usize) << 8))
        .count();
    println!("{right} of {}", children.len());
}

/// A pipe between two processes, one slower than the other, in both directions.
fn blocking() {
    for (write_pause, read_pause) in [(0, 1), (1, 0)] {
        let mut ends = [0i32; 2];
        call(l::SYS_pipe2, [ends.as_mut_ptr() as usize, 0]).expect("a pipe");
        let [reader, writer] = ends.map(|end| end as usize);
        let child = fork(|| {
            call(l::SYS_close, [reader]).expect("to close");
            let block: Vec<u8> = (0..200_000u32).map(|index| index as u8).collect();
            let mut done = 0;
            while done < block.len() {
                let n = call(
                    l::SYS_write,
                    [
                        writer,
                        block.as_ptr() as usize + done,
                        (block.len() - done).min(90_000),
                    ],
                );
                done += n.expect("to write");
                std::thread::sleep(Duration::from_millis(write_pause * 20));
            }
            0
        });
        call(l::SYS_close, [writer]).expect("to close");
        let mut buffer = vec![0u8; 70_000];
        let mut sum = 0u64;
        let mut total = 0;
        loop {
            let n = call(
                l::SYS_read,
                [reader, buffer.as_mut_ptr() as usize, buffer.len()],
            )
            .expect("to read");
            if n == 0 {
                break;
            }
            sum += buffer[..n].iter().map(|&byte| u64::from(byte)).sum::<u64>();
            total += n;
            std::thread::sleep(Duration::from_millis(read_pause * 10));
        }
        call(l::SYS_close, [reader]).expect("to close");
        show("writer", wait(child));
        println!("{total} bytes, sum {sum}");
    }
}

fn masks() {
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
fn restarts() {
    for flags in [0, l::SA_RESTART] {
        handle(l::SIGUSR1, flags);
        let mut ends = [0i32; 2];
        call(l::SYS_pipe2, [ends.as_mut_ptr() as usize, 0]).expect("a pipe");
        let [reader, writer] = ends.map(|end| end as usize);
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
        show("child", wait(child));
        for end in [reader, writer] {
            call(l::SYS_close, [end]).expect("to close");
        }
    }
    set_default(l::SIGUSR1);
}

fn timers() {
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

/// Vector registers keep their values while others use theirs.
fn vectors() {
    static ROUNDS: AtomicU64 = AtomicU64::new(0);
    let spin = |seed: u64| {
        for round in 0..200_000u64 {
            let values = [seed, seed + 1, seed + 2, round];
            let mut back = [0u64; 4];
            // SAFETY: P1, only the named registers and `back` are written; AVX is asked for below.
            unsafe {
                std::arch::asm!(
                    "vmovdqu ymm7, [{from}]",
                    "mov {n}, 50",
                    "2:",
                    "dec {n}",
                    "jnz 2b",
                    "vmovdqu [{to}], ymm7",
                    from = in(reg) values.as_ptr(),
                    to = in(reg) back.as_mut_ptr(),
                    n = out(reg) _,
                    out("ymm7") _,
                );
            }
            if back != values {
                return 1;
            }
            ROUNDS.fetch_add(1, Ordering::Relaxed);
        }
        0
    };
    if !std::is_x86_feature_detected!("avx") {
        println!("no AVX");
        return;
    }
    let children: Vec<usize> = (0..6).map(|index| fork(|| spin(index * 1000))).collect();
    let right = children
        .iter()
        .filter(|&&child| wait(child) == Ok(0))
        .count();
    println!("{right} of {}", children.len());
}

fn groups() {
    let child = fork(|| {
        show("own group", call(l::SYS_setpgid, [0, 0]));
        println!("leads it: {}", call(l::SYS_getpgid, [0]) == Ok(own()));
        let inner = fork(|| {
            loop {
                std::thread::sleep(Duration::from_secs(1));
            }
        });
        show(
            "same group",
            call(l::SYS_getpgid, [inner]).map(|group| usize::from(group == own())),
        );
        handle(l::SIGTERM, 0);
        show(
            "kill group",
            call(l::SYS_kill, [own().wrapping_neg(), l::SIGTERM as usize]),
        );
        show("inner", wait(inner));
        0
    });
    show("child", wait(child));
    show("group of nobody", call(l::SYS_getpgid, [child]));
    show("join nobody", call(l::SYS_setpgid, [0, child]));
    let child = fork(|| {
        show(
            "session",
            call(l::SYS_setsid, []).map(|session| usize::from(session == own())),
        );
        show("session again", call(l::SYS_setsid, []));
        0
    });
    show("child", wait(child));
}

/// Children that end badly, each in its way.
fn faults() {
    type Way = (&'static str, fn() -> i32);
    let ways: [Way; 5] = [
        ("null", || {
            // SAFETY: P2 does not hold on purpose: the kernel has to end the process.
            unsafe { std::ptr::null_mut::<u8>().write_volatile(1) };
            0
        }),
        ("kernel", || {
            // SAFETY: as above.
            unsafe {
                std::ptr::without_provenance_mut::<u8>(0xffff_ffff_8000_0000)
                    .read_volatile()
                    .into()
            }
        }),
        ("illegal", || {
            // SAFETY: as above.
            unsafe { std::arch::asm!("ud2") };
            0
        }),
        ("privileged", || {
            // SAFETY: as above.
            unsafe { std::arch::asm!("hlt") };
            0
        }),
        ("breakpoint", || {
            // SAFETY: as above.
            unsafe { std::arch::asm!("int3") };
            0
        }),
    ];
    for (name, way) in ways {
        // Rust's own handler for SIGSEGV would change what ends the process.
        let child = fork(|| {
            set_default(l::SIGSEGV);
            set_default(l::SIGBUS);
            way()
        });
        show(name, wait(child).map(|status| status & 0x7f));
    }
}
