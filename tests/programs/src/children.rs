//! Children of a program, signals to them, and pipes between them.

use libc as l;

use crate::{Answer, call};

/// Makes a child that does `work` and exits with what it answers, without what the program does at its own end. Answers its pid.
///
/// # Panics
/// There can be no more processes.
pub fn fork(work: impl FnOnce() -> i32) -> usize {
    try_fork(work).expect("a child")
}

/// [`fork`], where there may be no more processes.
///
/// # Errors
/// fork(2)'s.
pub fn try_fork(work: impl FnOnce() -> i32) -> Answer {
    // SAFETY: P4.
    match unsafe { l::fork() } {
        -1 => Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0)),
        0 => {
            let status = work();
            // SAFETY: P1.
            unsafe { l::_exit(status) }
        }
        child => Ok(child.cast_unsigned() as usize),
    }
}

/// Waits until a child has ended, or with `usize::MAX` any child: its exit status, or minus the signal that ended it.
///
/// # Errors
/// wait4(2)'s.
pub fn wait(child: usize) -> Result<i32, i32> {
    let mut status = 0;
    call(l::SYS_wait4, [child, &raw mut status as usize, 0, 0])?;
    Ok(if l::WIFEXITED(status) {
        l::WEXITSTATUS(status)
    } else {
        -l::WTERMSIG(status)
    })
}

/// Does `work` in a child, and waits for its end: exit status, or minus the signal.
///
/// # Errors
/// Those of [`try_fork`] and [`wait`].
pub fn in_child(work: impl FnOnce()) -> Result<i32, i32> {
    let child = try_fork(|| {
        work();
        0
    });
    child.and_then(wait)
}

/// kill(2).
#[must_use = "the answer says what happened"]
pub fn kill(pid: usize, signal: i32) -> Answer {
    call(l::SYS_kill, [pid, signal as usize])
}

/// A pipe: the end to read from, and the one to write to.
///
/// # Panics
/// There is none.
#[must_use]
pub fn pipe() -> [usize; 2] {
    let mut ends = [0i32; 2];
    call(l::SYS_pipe2, [ends.as_mut_ptr() as usize, 0]).expect("a pipe");
    ends.map(|end| end as usize)
}
