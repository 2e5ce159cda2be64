//! Calls that only look something up: the trap entry runs them without saving the whole thread.
//!
//! Such a call takes no user memory, never waits, changes nothing that another thread of the machine waits for, and
//! does not look at the thread's registers. Whatever else asks for the thread's attention meanwhile comes with an
//! interrupt, which is taken as soon as the call is over.

use crate::process::{Pid, Process, Thread, table};
use crate::sched::with_current;

/// A call without arguments; its result goes to rax.
pub type Quick = extern "C" fn() -> u64;

/// One more than the highest number in [`QUICK`].
pub const LIMIT: usize = 187;

/// The quick calls by number.
pub static QUICK: [Option<Quick>; LIMIT] = {
    let mut table: [Option<Quick>; LIMIT] = [None; LIMIT];
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
    u64::from(with_current(|thread| f(thread)))
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
