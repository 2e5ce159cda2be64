//! Calls that only look something up: the trap entry runs them without saving the whole thread (see `machine::above`).

use crate::process::{Pid, Process, Thread, table};
use machine::{QUICK_LIMIT, QuickTable};

/// The quick calls by number.
pub const QUICK: QuickTable = {
    let mut table: QuickTable = [None; QUICK_LIMIT];
    table[39] = Some(getpid);
    table[102] = Some(getuid);
    table[104] = Some(getgid);
    table[107] = Some(geteuid);
    table[108] = Some(getegid);
    table[110] = Some(getppid);
    table[186] = Some(gettid);
    table
};

fn thread(f: impl FnOnce(&Thread) -> u32) -> u64 {
    u64::from(Thread::with_current(|thread| f(thread)))
}

fn process(f: impl FnOnce(&Process) -> u32) -> u64 {
    thread(|thread| f(&thread.process))
}

extern "C" fn getpid() -> u64 {
    process(|own| own.pid.raw() as u32)
}

extern "C" fn gettid() -> u64 {
    thread(|own| own.tid.raw() as u32)
}

extern "C" fn getppid() -> u64 {
    process(|own| table().parent_of(own.pid).map_or(0, Pid::raw) as u32)
}

extern "C" fn getuid() -> u64 {
    process(|own| own.credentials.lock().user.real)
}

extern "C" fn geteuid() -> u64 {
    process(|own| own.credentials.lock().user.effective)
}

extern "C" fn getgid() -> u64 {
    process(|own| own.credentials.lock().group.real)
}

extern "C" fn getegid() -> u64 {
    process(|own| own.credentials.lock().group.effective)
}
