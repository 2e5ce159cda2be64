//! The process table of a torus: who there is, and who is whose child.

use super::{Pid, Process};
use crate::sched::lock::Lock;
use crate::sched::wait::WaitQueue;
use crate::signal::Signal;
use crate::signal::action::ActionFlags;
use crate::signal::info::{Fields, SigInfo};
use crate::syscall::errno::Errno;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use torus::TorusId;
use torus::pid::Births;

/// How a process ended, or that it has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It runs, waits or is stopped.
    Live,
    /// It has ended with this wait status (wait(2)), which nobody has collected.
    Zombie(u32),
}

/// A change of state that wait4 may report besides the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// Stopped by a signal.
    Stopped(Signal),
    /// Continued.
    Continued,
}

/// A process and its relations.
pub struct Entry {
    /// The process.
    pub process: Arc<Process>,
    /// Its parent; none: the kernel.
    pub parent: Option<Pid>,
    /// Its children, zombies among them, oldest first.
    pub children: Vec<Pid>,
    /// Its process group.
    pub group: Pid,
    /// Its session.
    pub session: Pid,
    /// Whether it lives.
    pub life: Life,
    /// What nobody has waited for yet.
    pub report: Option<Report>,
    /// It has executed a program since fork (setpgid(2): EACCES).
    pub executed: bool,
}

/// The processes of a torus.
pub struct Table {
    /// Everything, under one lock.
    pub(super) inner: Lock<Inner>,
    /// Woken when the last process but init is gone.
    pub emptied: WaitQueue,
}

/// What the table's lock guards.
pub(super) struct Inner {
    pub(super) entries: BTreeMap<Pid, Entry>,
    pub(super) births: Births,
    /// Init has ended: whoever ends is nobody's zombie, and nobody is born.
    pub(super) ending: bool,
}

impl Table {
    /// No processes on `torus`.
    pub const fn new(torus: TorusId) -> Self {
        let inner = Inner {
            entries: BTreeMap::new(),
            births: Births::new(torus),
            ending: false,
        };
        Self {
            inner: Lock::new(inner),
            emptied: WaitQueue::new(),
        }
    }

    /// A number for a new process of this torus. EAGAIN when all are taken.
    pub fn new_pid(&self) -> Result<Pid, Errno> {
        self.inner.lock().births.give().map_err(|_| Errno::EAGAIN)
    }

    /// Takes back the number of a process that was not born.
    pub fn unborn(&self, pid: Pid) {
        // It was given by this torus and never left it.
        let _ = self.inner.lock().births.reaped(pid, 0);
    }

    /// How many processes there are, zombies included.
    pub fn len(&self) -> usize {
        self.inner.lock().entries.len()
    }

    /// The living process of this number.
    pub fn get(&self, pid: Pid) -> Option<Arc<Process>> {
        let inner = self.inner.lock();
        inner.entries.get(&pid).map(|entry| entry.process.clone())
    }

    /// The parent of a process.
    pub fn parent_of(&self, pid: Pid) -> Option<Pid> {
        let inner = self.inner.lock();
        inner.entries.get(&pid).and_then(|entry| entry.parent)
    }

    /// The group of a process.
    pub fn group_of(&self, pid: Pid) -> Pid {
        self.inner
            .lock()
            .entries
            .get(&pid)
            .map_or(pid, |entry| entry.group)
    }

    /// The session of a process.
    pub fn session_of(&self, pid: Pid) -> Pid {
        self.inner
            .lock()
            .entries
            .get(&pid)
            .map_or(pid, |entry| entry.session)
    }

    /// The living members of a group.
    pub fn group(&self, group: Pid) -> Vec<Arc<Process>> {
        self.select(|entry| entry.group == group)
    }

    /// All living processes but these.
    pub fn all_but(&self, not: &[Pid]) -> Vec<Arc<Process>> {
        self.select(|entry| !not.contains(&entry.process.pid))
    }

    fn select(&self, wanted: impl Fn(&Entry) -> bool) -> Vec<Arc<Process>> {
        let inner = self.inner.lock();
        let mut found = Vec::new();
        for entry in inner.entries.values() {
            if entry.life == Life::Live && wanted(entry) && found.try_reserve(1).is_ok() {
                found.push(entry.process.clone());
            }
        }
        found
    }

    /// Adds a newborn. EAGAIN when the torus is ending, ENOMEM without memory.
    pub fn insert(&self, process: Arc<Process>, parent: Option<Pid>) -> Result<(), Errno> {
        let mut inner = self.inner.lock();
        if inner.ending {
            return Err(Errno::EAGAIN);
        }
        let (mut group, mut session) = (process.pid, process.pid);
        if let Some(entry) = parent.and_then(|parent| inner.entries.get_mut(&parent)) {
            entry.children.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
            entry.children.push(process.pid);
            (group, session) = (entry.group, entry.session);
        }
        let entry = Entry {
            parent,
            children: Vec::new(),
            group,
            session,
            life: Life::Live,
            report: None,
            executed: false,
            process,
        };
        inner.entries.insert(entry.process.pid, entry);
        Ok(())
    }

    /// Init has ended: from now on nobody is born. Answers whom to kill.
    pub fn begin_end(&self) -> Vec<Arc<Process>> {
        self.inner.lock().ending = true;
        // Zombies of init are nobody's now.
        self.drop_zombies();
        self.all_but(&[Pid::INIT])
    }

    fn drop_zombies(&self) {
        let mut inner = self.inner.lock();
        let zombies = |entries: &BTreeMap<Pid, Entry>| {
            entries
                .iter()
                .find(|(_, entry)| entry.life != Life::Live)
                .map(|(pid, _)| *pid)
        };
        while let Some(pid) = zombies(&inner.entries) {
            drop(inner.remove(pid));
        }
    }

    /// Takes a process off the table.
    pub fn remove(&self, pid: Pid) {
        let entry = self.inner.lock().remove(pid);
        drop(entry);
    }

    /// Notes that a process has executed a program.
    pub fn set_executed(&self, pid: Pid) {
        if let Some(entry) = self.inner.lock().entries.get_mut(&pid) {
            entry.executed = true;
        }
    }

    /// Notes a stop or continuation, and tells the parent unless it does not want to know.
    pub fn report(&self, process: &Process, report: Report) {
        let mut inner = self.inner.lock();
        let Some(entry) = inner.entries.get_mut(&process.pid) else {
            return;
        };
        entry.report = Some(report);
        let Some(parent) = entry
            .parent
            .and_then(|parent| inner.entries.get(&parent))
            .map(|entry| entry.process.clone())
        else {
            return;
        };
        drop(inner);
        let flags = parent.actions.lock().get(Signal::CHLD).flags;
        if !flags.contains(ActionFlags::NOCLDSTOP) {
            let (code, status) = match report {
                Report::Stopped(signal) => (CLD_STOPPED, signal.number()),
                Report::Continued => (CLD_CONTINUED, Signal::CONT.number()),
            };
            tell_parent(&parent, process, code, status);
        }
        parent.children_changed.wake_all();
    }
}

/// A child exited.
pub const CLD_EXITED: i32 = 1;
/// A child was killed.
pub const CLD_KILLED: i32 = 2;
/// A child stopped.
pub const CLD_STOPPED: i32 = 5;
/// A child continued.
pub const CLD_CONTINUED: i32 = 6;

/// Sends SIGCHLD about `child`.
pub fn tell_parent(parent: &Process, child: &Process, code: i32, status: i32) {
    let uid = child.credentials.lock().uid;
    let fields = Fields::Child {
        pid: child.pid.raw(),
        uid,
        status,
    };
    crate::signal::send_info(
        parent,
        SigInfo {
            signal: Signal::CHLD,
            code,
            fields,
        },
    );
}
