//! Children: how they wait, stop, crowd the cores, form groups, and end badly.

use crate::own;
use crate::signals::{handle, set_default};
use braid_test_programs::children::{fork, kill, wait};
use braid_test_programs::{call, show};
use libc as l;
use std::time::Duration;

pub(crate) fn waiting() {
    println!("wait without children: {:?}", wait(usize::MAX));
    let child = fork(|| 7);
    println!("exit 7: {:?}", wait(child));
    println!("wait again: {:?}", wait(child));
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
    println!("terminated: {:?}", wait(child));
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
    println!("killed: {:?}", wait(child));
}

/// Twenty processes compute at once, and all get the same result.
pub(crate) fn crowd() {
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
        .filter(|&&child| wait(child) == Ok(expected))
        .count();
    println!("{right} of {}", children.len());
}

pub(crate) fn groups() {
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
        show("kill group", kill(own().wrapping_neg(), l::SIGTERM));
        println!("inner: {:?}", wait(inner));
        0
    });
    println!("child: {:?}", wait(child));
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
    println!("child: {:?}", wait(child));
}

/// Children that end badly, each in its way.
pub(crate) fn faults() {
    type Way = (&'static str, fn() -> i32);
    let ways: [Way; 5] = [
        ("null", || {
            // SAFETY: P6.
            unsafe { std::ptr::null_mut::<u8>().write_volatile(1) };
            0
        }),
        ("kernel", || {
            // SAFETY: P6.
            unsafe {
                std::ptr::without_provenance_mut::<u8>(0xffff_ffff_8000_0000)
                    .read_volatile()
                    .into()
            }
        }),
        ("illegal", || {
            // SAFETY: P6.
            unsafe { std::arch::asm!("ud2") };
            0
        }),
        ("privileged", || {
            // SAFETY: P6.
            unsafe { std::arch::asm!("hlt") };
            0
        }),
        ("breakpoint", || {
            // SAFETY: P6.
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
        println!("{name}: {:?}", wait(child));
    }
}
