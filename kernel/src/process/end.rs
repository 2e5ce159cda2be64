//! The end of a process: it gives back what it has, and what is left is a zombie for its parent.

use super::table::{self as family, Life};
use super::{Pid, Process, RunState, Thread, init, table};
use crate::signal::action::{ActionFlags, SIG_IGN};
use crate::signal::{Signal, alarm};
use crate::syscall::call::{Call, SysResult};
use crate::syscall::interrupted;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// exit(2) and exit_group(2): there is one thread.
pub fn exit(call: &mut Call) -> SysResult {
    let code = call.args[0] as u32 & 0xff;
    with_status(call.thread, code << 8);
    Ok(0)
}

/// Ends the current process by a signal.
pub fn by_signal(thread: &Arc<Thread>, signal: Signal) {
    log::debug!(
        "{} ends by signal {}",
        thread.process.label(),
        signal.number()
    );
    with_status(thread, signal.number() as u32);
}

/// Ends the current process with a wait status. The thread is dead afterwards, and has to be left as it is.
pub fn with_status(thread: &Arc<Thread>, status: u32) {
    let process = &thread.process;
    if process.pid == Pid::INIT {
        init::begin_end(thread, status);
        return;
    }
    give_back(thread);
    bury(process, status);
}

/// Gives back everything that the process holds, but its number.
pub fn give_back(thread: &Arc<Thread>) {
    let process = &thread.process;
    thread.in_flight.set(None);
    interrupted::cancel_timer(thread);
    alarm::cancel(thread);
    crate::syscall::futex::forget(thread);
    process.files.close_all();
    crate::sched::leave_dead(thread);
    drop(thread.space.replace(None));
    *process.executable.lock() = None;
    release_vfork_parent(process);
    thread.set_state(RunState::Dead);
    process.set_thread(None);
}

/// The parent that waits in vfork may go on.
pub fn release_vfork_parent(process: &Process) {
    let parent = process.vfork_parent.lock().take();
    if let Some(parent) = parent {
        parent.wake();
    }
}

/// Makes the process a zombie, or nothing when its parent does not want zombies; its children go to init.
fn bury(process: &Arc<Process>, status: u32) {
    let table = table();
    let mut inner = table.inner.lock();
    let Some(entry) = inner.entries.get_mut(&process.pid) else {
        return;
    };
    entry.life = Life::Zombie(status);
    entry.report = None;
    let parent = entry.parent;
    let children: Vec<Pid> = core::mem::take(&mut entry.children);
    let orphaned_zombie = adopt(&mut inner, children);
    let heir = parent
        .and_then(|parent| inner.entries.get(&parent))
        .map(|entry| entry.process.clone());
    let wanted = heir.as_ref().is_some_and(|parent| wants_zombie(parent)) && !inner.ending;
    let gone = if wanted {
        None
    } else {
        inner.remove(process.pid)
    };
    let emptied = inner.entries.len() <= 1;
    drop(inner);
    drop(gone);
    if emptied {
        table.emptied.wake_all();
    }
    if orphaned_zombie && let Some(init) = table.get(Pid::INIT) {
        init.children_changed.wake_all();
    }
    if let Some(parent) = heir {
        let (code, number) = code_of(status);
        family::tell_parent(&parent, process, code, number);
        parent.children_changed.wake_all();
    }
}

fn wants_zombie(parent: &Process) -> bool {
    let action = parent.actions.lock().get(Signal::CHLD);
    action.handler != SIG_IGN && !action.flags.contains(ActionFlags::NOCLDWAIT)
}

/// Init becomes the parent of `children`; true when a zombie is among them.
fn adopt(inner: &mut family::Inner, children: Vec<Pid>) -> bool {
    let mut zombie = false;
    for child in children {
        let reaper = inner.entries.contains_key(&Pid::INIT) && !inner.ending;
        let Some(entry) = inner.entries.get_mut(&child) else {
            continue;
        };
        entry.parent = reaper.then_some(Pid::INIT);
        let is_zombie = entry.life != Life::Live;
        if !reaper {
            if is_zombie {
                drop(inner.remove(child));
            }
            continue;
        }
        zombie |= is_zombie;
        if let Some(init) = inner.entries.get_mut(&Pid::INIT)
            && init.children.try_reserve(1).is_ok()
        {
            init.children.push(child);
        }
    }
    zombie
}

/// si_code and si_status of a wait status.
pub fn code_of(status: u32) -> (i32, i32) {
    match status & 0x7f {
        0 => (family::CLD_EXITED, (status >> 8 & 0xff) as i32),
        signal => (family::CLD_KILLED, signal as i32),
    }
}

impl family::Inner {
    /// Takes a process off the table and off its parent's list.
    pub(super) fn remove(&mut self, pid: Pid) -> Option<family::Entry> {
        let entry = self.entries.remove(&pid)?;
        // It has never left this torus.
        let _ = self.births.reaped(pid, 0);
        if let Some(parent) = entry
            .parent
            .and_then(|parent| self.entries.get_mut(&parent))
        {
            parent.children.retain(|&child| child != pid);
        }
        Some(entry)
    }
}
