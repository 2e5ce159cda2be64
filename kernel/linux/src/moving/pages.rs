//! What pages that travel need of processes ([`travel::above`]).

use super::depart;
use crate::process::thread::change_space;
use crate::process::{Current, Pid, Thread, emptied, table};
use crate::signal;
use alloc::sync::Arc;
use braid_signals::Signal;
use mem::space::Space;
use travel::above;
use travel::migrated;

struct Processes;

/// Connects processes with the pages that they have elsewhere. Called once, before the first process.
pub fn connect() {
    above::connect(&Processes);
}

impl above::Processes for Processes {
    fn asker(&self) -> Pid {
        Thread::with_current(|thread| thread.process.pid)
    }

    fn lost(&self, pid: Pid) {
        if let Some(process) = table().get(pid) {
            let label = process.label();
            log::error!("{label}: killed: a page could not be had from another torus");
            signal::send(&process, Signal::KILL);
        }
    }

    fn can_leave(&self, pid: Pid) {
        if let Some(process) = table().get(pid) {
            depart::ready(&process);
        }
    }

    fn emptied(&self) {
        emptied::tell();
    }
}

/// The thread's process gets a new, empty space, and what it has elsewhere goes on with that. Answers the old one.
pub fn exec(thread: &Current, new: &Arc<Space>) -> Option<Arc<Space>> {
    migrated::exec(new, || {
        let old = change_space(thread, Some(new.clone()))?;
        // A child of vfork has had its parent's.
        Some((old, !thread.process.borrows_space()))
    })
}
