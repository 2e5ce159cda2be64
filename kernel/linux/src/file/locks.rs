//! Locks of files in `/tmp`: kept with the content, at its home, by owner. A process's records go when it closes any descriptor of the
//! file (fcntl(2)); an open file's go with it (flock(2), F_OFD_SETLK).

use crate::process::Pid;
use crate::process::charge::{self, Charge, Kind};
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use braid_files::locks::{self, Locks, Owner, Refused, Waits};
use machine::cpu;
use sync::Lock;
use sync::WaitQueue;

/// The locks of one file.
pub struct FileLocks {
    /// By ranges of bytes.
    records: Lock<Charged>,
    /// Of whole files, by flock(2): the two do not know each other.
    whole: Lock<Charged>,
    /// Woken when a lock goes.
    changed: WaitQueue,
}

/// Locks, and what they are charged.
struct Charged {
    locks: Locks,
    charge: Charge,
}

/// Locks that an owner may have of a file whatever others have.
const FEW: usize = 4;

impl Charged {
    const fn new() -> Self {
        Self {
            locks: Locks::new(cpu::let_interrupts_in),
            charge: Charge::none(Kind::Lock),
        }
    }

    /// Changes the locks. ENOLCK where that may make more of them, and there is no room.
    fn change<R>(
        &mut self,
        owner: Owner,
        grows: impl FnOnce(&Locks) -> bool,
        change: impl FnOnce(&mut Locks) -> Result<R, Refused>,
    ) -> Result<R, Refused> {
        let is_full = !charge::has_room(Kind::Lock, 1);
        if is_full && grows(&self.locks) && self.locks.has(owner, FEW) {
            return Err(Refused::NoMemory);
        }
        let result = change(&mut self.locks);
        self.charge.set(self.locks.len() as u64);
        result
    }

    fn release(&mut self, owner: Owner) -> bool {
        let released = self.locks.release(owner);
        self.charge.set(self.locks.len() as u64);
        released
    }
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// fcntl(2).
    Fcntl,
    /// flock(2).
    Flock,
}

impl FileLocks {
    /// None.
    pub const fn new() -> Self {
        Self {
            records: Lock::new(Charged::new()),
            whole: Lock::new(Charged::new()),
            changed: WaitQueue::new(),
        }
    }

    fn by(&self, by: By) -> &Lock<Charged> {
        match by {
            By::Fcntl => &self.records,
            By::Flock => &self.whole,
        }
    }

    /// Sets a lock; waits for those in the way, or answers EAGAIN. EDEADLK when they wait for a process that waits for them.
    pub fn set(&self, by: By, lock: locks::Lock, wait: bool) -> Result<(), Stop> {
        let mut locks = self.by(by).lock();
        let result = locks.change(lock.owner, |_| true, |locks| locks.set(lock));
        let released = match result {
            Ok(()) => true,
            // flock(2): a lock of another kind is let go first.
            Err(_) => by == By::Flock && locks.release(lock.owner),
        };
        if released {
            self.has_changed();
        }
        match result {
            Ok(()) => Ok(()),
            Err(Refused::Held(_)) if !wait => Err(Errno::EAGAIN.into()),
            Err(Refused::Held(held)) => {
                if lock.is_of_process() {
                    waits(|waits| waits.begin(lock.owner, held.owner, self.name()))?;
                }
                self.changed.enrol();
                Err(Stop::Block)
            }
            Err(refused) => Err(Errno::from(refused).into()),
        }
    }

    /// Lets go what an owner holds of a range.
    pub fn clear(&self, by: By, lock: &locks::Lock) -> Result<(), Errno> {
        let mut locks = self.by(by).lock();
        let splits = |locks: &Locks| locks.splits(lock.owner, lock.start, lock.end);
        let clear = |locks: &mut Locks| locks.clear(lock.owner, lock.start, lock.end);
        if locks.change(lock.owner, splits, clear)? {
            self.has_changed();
        }
        Ok(())
    }

    /// The lock by fcntl(2) that keeps this one from being set.
    pub fn in_the_way(&self, lock: &locks::Lock) -> Option<locks::Lock> {
        self.records.lock().locks.in_the_way(lock).copied()
    }

    /// An owner has no more to do with the file.
    pub fn release(&self, owner: Owner) {
        for by in [By::Fcntl, By::Flock] {
            let mut locks = self.by(by).lock();
            if locks.release(owner) {
                self.has_changed();
            }
        }
    }

    /// Has those look again who wait. Called under the lock of what has changed.
    fn has_changed(&self) {
        waits(|waits| waits.changed(self.name()));
        self.changed.wake_all();
    }

    /// What it is called among those that are waited for.
    fn name(&self) -> u64 {
        core::ptr::from_ref(self).addr() as u64
    }
}

impl From<Refused> for Errno {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Held(_) => Self::EAGAIN,
            Refused::NoMemory => Self::ENOLCK,
            Refused::Deadlock => Self::EDEADLK,
        }
    }
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Errno::from(refused).into()
    }
}

/// Owners that wait for record locks of a torus's files.
pub struct RecordWaits(Lock<Waits>);

tori::part!(RecordWaits, 13);

impl RecordWaits {
    /// Nobody waits.
    pub const fn new() -> Self {
        Self(Lock::new(Waits::new(cpu::let_interrupts_in)))
    }
}

/// Works on who waits for whose records on this torus.
fn waits<R>(f: impl FnOnce(&mut Waits) -> R) -> R {
    f(&mut tori::here().part::<RecordWaits>().0.lock())
}

/// An owner waits for no record any more.
pub fn wait_no_more(owner: Owner) {
    waits(|waits| waits.end(owner));
}

/// The owner of a process's records, on whichever torus it is.
pub fn process(pid: Pid) -> Owner {
    Owner(u64::from(pid.raw().cast_unsigned()))
}
