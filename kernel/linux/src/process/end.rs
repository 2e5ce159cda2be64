//! The end of a process: it gives back what it has, and its parent is told.

use super::limits::CORE;
use super::thread::change_space;
use super::{Current, Pid, Process, Thread, closing, table, users};
use crate::file::context::HasFiles as _;
use crate::signal::alarm;
use crate::syscall::call::{Call, SysResult};
use braid_signals::Signal;
use braid_signals::action::{DefaultAction, default_of};
use core::sync::atomic::Ordering;
use machine::cpu;
use tori::rings;
use torus::family::Ended;
use vm::addr::PAGE_SIZE;

/// The bit of a wait status for a core file.
const DUMPED: u32 = 0x80;

/// exit(2) and exit_group(2): there is one thread.
pub fn exit(call: &mut Call) -> SysResult {
    let code = call.args[0] as u32 & 0xff;
    with_status(call.thread, code << 8);
    Ok(0)
}

/// Ends the current process by a signal.
pub fn by_signal(thread: &Current, signal: Signal) {
    log::debug!(
        "{} ends by signal {}",
        thread.process.label(),
        signal.number()
    );
    let dumped = dumps_core(&thread.process, signal);
    with_status(
        thread,
        signal.number() as u32 | if dumped { DUMPED } else { 0 },
    );
}

/// Whether Linux would write a core file. None is written here, but who waits is told the same.
fn dumps_core(process: &Process, signal: Signal) -> bool {
    default_of(signal) == DefaultAction::Core
        && process.limits.lock().current(CORE) >= PAGE_SIZE as u64
        && process.credentials.lock().dumpable
}

/// Ends the current process with a wait status. The thread is dead afterwards, and has to be left as it is.
pub fn with_status(thread: &Current, status: u32) {
    let process = &thread.process;
    Thread::charge_current();
    if process.pid == Pid::INIT {
        closing::begin(thread, status);
        return;
    }
    give_back(thread);
    crate::file::tty::ioctl::process_ends(process.pid);
    cpu::let_interrupts_in();
    thread.end();
    process.set_thread(None);
    users::set_counted(process, false);
    let used = process.times.all();
    let ended = Ended {
        status,
        user_time: used.user,
        system_time: used.system,
        uid: process.credentials.lock().user.real,
    };
    while !table().with(|families, effects| families.exit(process.pid, ended, effects)) {
        rings::breathe();
    }
    // From now on nobody can want it elsewhere.
    crate::moving::depart::answer(process, 0);
}

/// Gives back everything that the process holds, but its number and its thread.
pub fn give_back(thread: &Current) {
    let process = &thread.process;
    thread.own().in_flight.set(None);
    thread.cancel_deadline();
    alarm::cancel(thread);
    super::fork::abandon(process);
    crate::syscall::futex::forget(thread);
    crate::file::remote::forget(thread);
    process.files().close_all();
    cpu::let_interrupts_in();
    Thread::leave_current();
    drop(change_space(thread, None));
    cpu::let_interrupts_in();
    *process.files().executable.lock() = None;
    // Among those who wait it may be itself.
    process.children_changed.wake_all();
    release_vfork_parent(thread);
}

/// The process lets go of the memory of the parent that waits in vfork, which may go on. The word that was to be cleared then
/// (CLONE_CHILD_CLEARTID) the parent clears itself: it can wait for the word's page. A word of memory that nobody else has is left alone.
pub fn release_vfork_parent(thread: &Current) {
    let word = thread.own().clear_child_tid.replace(0);
    let parent = thread.process.vfork_parent.lock().take();
    if let Some(parent) = parent {
        parent.word_to_clear.store(word, Ordering::Release);
        parent.wake();
    }
}
