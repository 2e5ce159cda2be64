//! The process table of a torus: the processes that are here, and their families ([`torus::family`]).

use super::effects::Effects;
use super::state::Process;
use crate::syscall::errno::Errno;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Bound;
use core::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use fallible::{TryMap, TryVec};
use sync::IrqLock;
use sync::WaitQueue;
use tori::pieces;
use tori::rings::Places;
use torus::TorusId;
use torus::family::{BirthError, Families, Life, Report, TravelError};
use torus::pid::Pid;

impl From<BirthError> for Errno {
    fn from(error: BirthError) -> Self {
        match error {
            BirthError::Memory => Self::ENOMEM,
            BirthError::Ending | BirthError::Pid(_) => Self::EAGAIN,
        }
    }
}

/// The process table of this core's torus.
pub fn table() -> &'static Table {
    tori::here().part::<Table>()
}

/// Whose relative a newborn is.
#[derive(Clone, Copy, Debug)]
pub enum Kinship {
    /// The kernel's child.
    First,
    /// A process's child.
    ChildOf(Pid),
    /// A child of a process's parent, which there is.
    SiblingOf(Pid),
}

/// Processes that are looked at under one hold of the lock.
const PIECE: usize = 32;

/// Messages about a process that signals to many cause: one of those of its torus, and one of another's.
const TOLD: usize = 2;

/// The processes of a torus.
pub struct Table {
    /// Everything, under one lock.
    inner: IrqLock<Inner>,
    /// Woken when nothing of any process may be left here ([`super::emptied::tell`]).
    pub emptied: WaitQueue,
    /// How many processes are here, and the number given last: for other tori to read.
    population: AtomicUsize,
    last: AtomicI32,
}

/// What the table's lock guards.
struct Inner {
    families: Families,
    processes: BTreeMap<Pid, Arc<Process>>,
}

tori::part!(Table, 7);

impl Table {
    /// No processes on `torus`, one of `tori`.
    pub const fn new(torus: TorusId, tori: usize) -> Self {
        let inner = Inner {
            families: Families::new(torus, tori),
            processes: BTreeMap::new(),
        };
        Self {
            inner: IrqLock::new(inner),
            emptied: WaitQueue::new(),
            population: AtomicUsize::new(0),
            last: AtomicI32::new(0),
        }
    }

    /// Works on the families, with what this torus does for them.
    pub fn with<R>(&self, act: impl FnOnce(&mut Families, &mut Effects<'_>) -> R) -> R {
        let mut guard = self.inner.lock();
        let inner = &mut *guard;
        let before = inner.processes.len();
        let mut effects = Effects(&mut inner.processes, None);
        let result = act(&mut inner.families, &mut effects);
        let limited = effects.1;
        let now = self.count(inner);
        drop(guard);
        if let Some(process) = limited {
            process.spread_limits();
        }
        if now < before && now <= 1 {
            super::emptied::tell();
        }
        result
    }

    /// Counts the processes anew, for those who ask without the lock; answers how many there are.
    fn count(&self, inner: &Inner) -> usize {
        let now = inner.processes.len();
        self.population.store(now, Ordering::Relaxed);
        now
    }

    fn read<R>(&self, look: impl FnOnce(&Families) -> R) -> R {
        look(&self.inner.lock().families)
    }

    /// Forgets everything, at the end of the machine.
    pub fn clear(&self) {
        let mut inner = self.inner.lock();
        inner.families.clear();
        let processes = core::mem::take(&mut inner.processes);
        self.count(&inner);
        drop(inner);
        drop(processes);
        self.emptied.wake_all();
    }

    /// A number for a new process of this torus. EAGAIN when all are taken.
    pub fn new_pid(&self) -> Result<Pid, Errno> {
        Ok(self.inner.lock().families.give()?)
    }

    /// Takes back the number of a process that was not born.
    pub fn unborn(&self, pid: Pid) {
        self.inner.lock().families.unborn(pid);
    }

    /// How many processes are here, zombies included, as any torus may ask.
    pub fn population(&self) -> usize {
        self.population.load(Ordering::Relaxed)
    }

    /// The process that was born here last.
    pub fn last_pid(&self) -> Option<Pid> {
        Pid::from_raw(self.last.load(Ordering::Relaxed))
    }

    /// Whether a process that is here lives.
    pub fn life(&self, pid: Pid) -> Option<Life> {
        self.read(|families| families.life(pid))
    }

    /// The process at or after this one, by number, zombies included.
    pub fn next_from(&self, from: i32) -> Option<Pid> {
        let inner = self.inner.lock();
        let mut rest = inner.processes.range(Pid::from_raw(from.max(1))?..);
        rest.next().map(|(pid, _)| *pid)
    }

    /// Adds a newborn. EAGAIN when the machine is ending, ENOMEM without memory.
    pub fn insert(&self, process: Arc<Process>, kinship: Kinship) -> Result<(), Errno> {
        *process.places.lock() = Some(Places::reserve(TOLD)?);
        let pid = process.pid;
        let mut guard = self.inner.lock();
        let inner = &mut *guard;
        let entered = inner.processes.put(pid, process);
        let born = entered
            .map_err(|_| BirthError::Memory)
            .and_then(|_| match kinship {
                Kinship::First => inner.families.born(pid, None),
                Kinship::ChildOf(parent) => inner.families.born(pid, Some(parent)),
                Kinship::SiblingOf(sibling) => {
                    let mut effects = Effects(&mut inner.processes, None);
                    inner.families.born_beside(pid, sibling, &mut effects)
                }
            });
        let gone = born.is_err().then(|| inner.processes.remove(&pid));
        self.last.store(pid.raw(), Ordering::Relaxed);
        self.count(inner);
        drop(guard);
        drop(gone);
        Ok(born?)
    }

    /// A process has come from another torus, with its record.
    pub fn arrive(&self, process: Arc<Process>, record: &[u64]) -> Result<(), TravelError> {
        *process.places.lock() = Some(Places::reserve(TOLD)?);
        let mut guard = self.inner.lock();
        let inner = &mut *guard;
        let pid = process.pid;
        let entered = inner.processes.put(pid, process);
        let arrived = entered.map_err(|_| TravelError::NoPlace).and_then(|_| {
            let mut effects = Effects(&mut inner.processes, None);
            inner.families.arrive(pid, record, &mut effects)
        });
        let gone = arrived.is_err().then(|| inner.processes.remove(&pid));
        self.count(inner);
        drop(guard);
        drop(gone);
        arrived
    }

    /// The process of this number, if it is here.
    pub fn get(&self, pid: Pid) -> Option<Arc<Process>> {
        self.inner.lock().processes.get(&pid).cloned()
    }

    /// The parent of a process that is here.
    pub fn parent_of(&self, pid: Pid) -> Option<Pid> {
        self.read(|families| families.parent(pid))
    }

    /// The group of a process that is here.
    pub fn group_of(&self, pid: Pid) -> Pid {
        self.read(|families| families.group(pid)).unwrap_or(pid)
    }

    /// The session of a process that is here.
    pub fn session_of(&self, pid: Pid) -> Pid {
        self.read(|families| families.session(pid)).unwrap_or(pid)
    }

    /// The first process after this one, by number, of a wanted life. Others may have the table between the pieces of a long search.
    fn next(
        &self,
        mut after: Option<Pid>,
        wanted: impl Fn(Option<Life>) -> bool,
    ) -> Option<Arc<Process>> {
        loop {
            let inner = self.inner.lock();
            let from = after.map_or(Bound::Unbounded, Bound::Excluded);
            let processes = inner.processes.range((from, Bound::Unbounded));
            let mut last = None;
            for (pid, process) in processes.take(PIECE) {
                if wanted(inner.families.life(*pid)) {
                    return Some(process.clone());
                }
                last = Some(*pid);
            }
            drop(inner);
            after = Some(last?);
            pieces::step();
        }
    }

    /// The living process that comes next by number.
    pub fn next_living(&self, after: Option<Pid>) -> Option<Arc<Process>> {
        self.next(after, |life| life == Some(Life::Live))
    }

    /// The living processes that are here.
    pub fn living(&self) -> Vec<Arc<Process>> {
        self.those(|life| life == Some(Life::Live))
    }

    /// All processes that are here, zombies included.
    pub fn all(&self) -> Vec<Arc<Process>> {
        self.those(|_| true)
    }

    /// As many as there is memory for.
    fn those(&self, wanted: impl Fn(Option<Life>) -> bool) -> Vec<Arc<Process>> {
        let mut found: Vec<Arc<Process>> = Vec::new();
        while let Some(process) = self.next(found.last().map(|last| last.pid), &wanted) {
            if found.try_push(process).is_err() {
                break;
            }
            pieces::step();
        }
        found
    }

    /// How many living processes are here, those included that are on their way to a torus that has not taken them yet.
    pub fn count_living(&self) -> usize {
        let (mut count, mut last) = (0, None);
        while let Some(process) = self.next_living(last) {
            last = Some(process.pid);
            count += 1;
            pieces::step();
        }
        count
    }

    /// Notes that a process has executed a program.
    pub fn set_executed(&self, pid: Pid) {
        self.inner.lock().families.executed(pid);
    }

    /// A process that is here has stopped or goes on: its parent learns of it.
    pub fn report(&self, process: &Process, report: Report) {
        let uid = process.credentials.lock().user.real;
        self.with(|families, effects| families.changed(process.pid, report, uid, effects));
    }

    /// Takes the first process off the table, at the end of the machine.
    pub fn remove_init(&self) {
        let mut inner = self.inner.lock();
        let init = inner.processes.remove(&Pid::INIT);
        self.count(&inner);
        drop(inner);
        drop(init);
    }
}
