//! Processes, signals, timers and credentials.

use super::{CHILD, EXECUTABLE, path};
use crate::things::{Child, Mapping, Undo};
use braid_test_programs::{Answer, call};
use libc as l;

/// What a child exits with whose execve has failed for want of memory.
pub(crate) const REFUSED: i32 = 4;

/// A child that was killed, or could not be made, had no memory.
pub(crate) fn ended(child: Child) -> Answer {
    match child.end()? {
        0 => Ok(0),
        REFUSED => Err(l::ENOMEM),
        signal if signal == -l::SIGKILL => Err(l::ENOMEM),
        other => panic!("a child ends with {other}"),
    }
}

pub(crate) fn fork() -> Answer {
    let mapping = Mapping::new(1 << 16, l::MAP_PRIVATE, None)?;
    mapping.fill();
    let child = Child::fork(|| {
        mapping.fill();
        0
    })?;
    mapping.fill();
    ended(child)
}

pub(crate) fn execve() -> Answer {
    let child = Child::fork(|| {
        let words = [path(c"failing"), path(c"child"), 0];
        let none = [0usize];
        let arguments = [
            path(EXECUTABLE),
            words.as_ptr() as usize,
            none.as_ptr() as usize,
        ];
        match call(l::SYS_execve, arguments) {
            Err(l::ENOMEM) => REFUSED,
            _ => 1,
        }
    })?;
    match child.end()? {
        CHILD => Ok(0),
        REFUSED => Err(l::ENOMEM),
        signal if signal == -l::SIGKILL => Err(l::ENOMEM),
        other => panic!("a program ends with {other}"),
    }
}

/// Signals whose details are kept, until they are taken.
pub(crate) fn many_signals() -> Answer {
    let signal = 40usize;
    let set = 1u64 << (signal - 1);
    let set_at = &raw const set as usize;
    call(l::SYS_rt_sigprocmask, [l::SIG_BLOCK as usize, set_at, 0, 8])?;
    let _taken = Undo(move || {
        let now = [0u64; 2];
        let at = &raw const set as usize;
        while call(l::SYS_rt_sigtimedwait, [at, 0, now.as_ptr() as usize, 8]).is_ok() {}
        call(l::SYS_rt_sigprocmask, [l::SIG_UNBLOCK as usize, at, 0, 8]).expect("a mask");
    });
    let own = call(l::SYS_getpid, [])?;
    for _ in 0..20 {
        call(l::SYS_kill, [own, signal])?;
    }
    Ok(0)
}

pub(crate) fn timer() -> Answer {
    let off = [0u64; 4];
    let far = [0u64, 0, 1000, 0];
    let _off = Undo(move || {
        call(l::SYS_setitimer, [0, off.as_ptr() as usize, 0]).expect("a timer");
    });
    call(l::SYS_setitimer, [0, far.as_ptr() as usize, 0])
}

pub(crate) fn sleep() -> Answer {
    let time = [0u64, 100_000];
    call(l::SYS_nanosleep, [time.as_ptr() as usize, 0])
}

pub(crate) fn futex() -> Answer {
    let word = 0u32;
    let time = [0u64, 100_000];
    let arguments = [
        &raw const word as usize,
        l::FUTEX_WAIT as usize,
        0,
        time.as_ptr() as usize,
    ];
    match call(l::SYS_futex, arguments) {
        Err(l::ETIMEDOUT) => Ok(0),
        other => other,
    }
}

/// A group and a session of their own, and a signal to the group.
pub(crate) fn groups() -> Answer {
    let child = Child::fork(|| {
        let own = call(l::SYS_setsid, []);
        let grandchild = Child::fork(|| 0);
        let told = call(l::SYS_kill, [0, 0]);
        let done = grandchild.and_then(ended);
        match own.and(told).and(done) {
            Ok(_) => 0,
            Err(l::ENOMEM | l::EAGAIN) => REFUSED,
            Err(_) => 1,
        }
    })?;
    ended(child)
}
