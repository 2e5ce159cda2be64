//! Locks of a file's bytes, as fcntl(2) and flock(2) set them: who holds which range, and who would be in the way.

use alloc::collections::BTreeMap;
use core::ops::Bound;
use fallible::{NoMemory, TryMap};

/// The holder of a lock. Locks of one owner do not conflict: a later one takes the place of an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner(pub u64);

/// With whom a range is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// With others who only share (`F_RDLCK`, `LOCK_SH`).
    Shared,
    /// With nobody (`F_WRLCK`, `LOCK_EX`).
    Exclusive,
}

/// A locked range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    /// The holder.
    pub owner: Owner,
    /// The process that set it, as F_GETLK tells; -1 for locks of open files.
    pub pid: i32,
    /// With whom it is shared.
    pub kind: Kind,
    /// First byte.
    pub start: u64,
    /// One more than the last byte; `u64::MAX`: however long the file becomes.
    pub end: u64,
}

impl From<NoMemory> for Refused {
    fn from(_: NoMemory) -> Self {
        Self::NoMemory
    }
}

impl Lock {
    /// Whether it is a process's record.
    pub const fn is_of_process(&self) -> bool {
        self.pid != -1
    }

    #[cfg(test)]
    fn overlaps(&self, start: u64, end: u64) -> bool {
        self.start < end && start < self.end
    }
}

/// Why a lock is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// This lock is in the way.
    Held(Lock),
    /// No memory for it.
    NoMemory,
    /// The owner that is in the way waits for the one that asks.
    Deadlock,
}

/// Locks that are looked at between two pauses.
const PIECE: usize = 64;
/// What an operation enters at most: the lock, and what it leaves of others on both sides.
const ENTERED: usize = 3;

/// The locks of a file, by owner and first byte: those of an owner lie beside each other.
#[derive(Debug)]
pub struct Locks {
    held: BTreeMap<(Owner, u64), Lock>,
    /// Called between the pieces of what is long.
    pause: fn(),
}

impl Default for Locks {
    fn default() -> Self {
        Self::new(|| {})
    }
}

impl Locks {
    /// None; `pause` is called between the pieces of what is long.
    pub const fn new(pause: fn()) -> Self {
        Self {
            held: BTreeMap::new(),
            pause,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Whether an owner has at least so many.
    pub fn has(&self, owner: Owner, count: usize) -> bool {
        count == 0 || self.of(owner, 0, u64::MAX).nth(count - 1).is_some()
    }

    /// Whether letting a range go makes two of one.
    pub fn splits(&self, owner: Owner, start: u64, end: u64) -> bool {
        let held = self.first_of(owner, start, end);
        held.is_some_and(|held| held.start < start && held.end > end)
    }

    /// All, by owner and first byte.
    pub fn all(&self) -> impl Iterator<Item = &Lock> {
        self.held.values()
    }

    /// The first lock that keeps `lock` from being set.
    pub fn in_the_way(&self, lock: &Lock) -> Option<&Lock> {
        let mut first: Option<&Lock> = None;
        let mut next = self.held.values().next().map(|held| held.owner);
        while let Some(owner) = next {
            (self.pause)();
            if owner != lock.owner {
                let conflicts =
                    |held: &&Lock| held.kind == Kind::Exclusive || lock.kind == Kind::Exclusive;
                let found = self.of(owner, lock.start, lock.end).find(conflicts);
                first = first.into_iter().chain(found).min_by_key(|held| held.start);
            }
            let after = (Bound::Excluded((owner, u64::MAX)), Bound::Unbounded);
            next = self.held.range(after).next().map(|(_, held)| held.owner);
        }
        first
    }

    /// An owner's locks that overlap a range, by their first byte.
    fn of(&self, owner: Owner, start: u64, end: u64) -> impl Iterator<Item = &Lock> {
        let below = self.held.range((owner, 0)..(owner, start)).next_back();
        let below = below.filter(|(_, held)| held.end > start);
        let within = self.held.range((owner, start)..(owner, end.max(start)));
        let all = below.into_iter().chain(within).enumerate();
        all.map(|(number, (_, held))| {
            if number % PIECE == PIECE - 1 {
                (self.pause)();
            }
            held
        })
    }

    /// The first of those.
    fn first_of(&self, owner: Owner, start: u64, end: u64) -> Option<Lock> {
        self.of(owner, start, end).next().copied()
    }

    /// Sets a lock, in place of what its owner holds of the range.
    pub fn set(&mut self, lock: Lock) -> Result<(), Refused> {
        if let Some(held) = self.in_the_way(&lock) {
            return Err(Refused::Held(*held));
        }
        let _held = self.held.room(ENTERED)?;
        self.cut(lock.owner, lock.start, lock.end)?;
        let mut whole = lock;
        let owner = lock.owner;
        let below = self.held.range((owner, 0)..(owner, lock.start)).next_back();
        let above = self.held.get(&(owner, lock.end));
        let joins = |held: &Lock| {
            held.kind == lock.kind && (held.end == lock.start || held.start == lock.end)
        };
        let below = below.map(|(_, held)| *held).filter(joins);
        let above = above.copied().filter(joins);
        for held in below.into_iter().chain(above) {
            (whole.start, whole.end) = (whole.start.min(held.start), whole.end.max(held.end));
            self.held.remove(&(owner, held.start));
        }
        self.held.put((owner, whole.start), whole)?;
        Ok(())
    }

    /// Lets go what an owner holds of a range; whether that was anything.
    pub fn clear(&mut self, owner: Owner, start: u64, end: u64) -> Result<bool, Refused> {
        let _held = self.held.room(ENTERED)?;
        let changed = self.cut(owner, start, end)?;
        self.tidy();
        Ok(changed)
    }

    /// Lets go all that an owner holds; whether that was anything.
    pub fn release(&mut self, owner: Owner) -> bool {
        let mut released = false;
        while let Some(held) = self.first_of(owner, 0, u64::MAX) {
            self.held.remove(&(owner, held.start));
            (self.pause)();
            released = true;
        }
        self.tidy();
        released
    }

    /// The last one's memory goes back.
    fn tidy(&mut self) {
        if self.held.is_empty() {
            self.held = BTreeMap::new();
        }
    }

    /// Takes a range out of an owner's locks. There is room for one more.
    fn cut(&mut self, owner: Owner, start: u64, end: u64) -> Result<bool, NoMemory> {
        let mut changed = false;
        while let Some(held) = self.first_of(owner, start, end) {
            changed = true;
            (self.pause)();
            self.held.remove(&(owner, held.start));
            if held.end > end {
                self.held.put((owner, end), Lock { start: end, ..held })?;
            }
            if held.start < start {
                self.held
                    .put((owner, held.start), Lock { end: start, ..held })?;
            }
        }
        Ok(changed)
    }
}

/// Owners that are looked at, each waiting for the next one, for one that waits for the first (`MAX_DEADLK_ITERATIONS` of Linux): a
/// longer ring is not noticed.
const RING: usize = 11;

/// The owners that wait for others: each for one lock at most.
#[derive(Debug)]
pub struct Waits {
    by_owner: BTreeMap<Owner, Wait>,
    /// By the file whose lock they wait for.
    by_file: BTreeMap<(u64, Owner), ()>,
    /// Called between the pieces of what is long.
    pause: fn(),
}

#[derive(Debug)]
struct Wait {
    holder: Owner,
    file: u64,
}

impl Waits {
    /// Nobody waits; `pause` is called between the pieces of what is long.
    pub const fn new(pause: fn()) -> Self {
        Self {
            by_owner: BTreeMap::new(),
            by_file: BTreeMap::new(),
            pause,
        }
    }

    /// An owner begins to wait for another one's lock of a file; [`Refused::Deadlock`] when that one waits for it, by whatever way.
    pub fn begin(&mut self, owner: Owner, holder: Owner, file: u64) -> Result<(), Refused> {
        self.end(owner);
        let mut at = holder;
        for _ in 0..RING {
            let Some(wait) = self.by_owner.get(&at) else {
                break;
            };
            at = wait.holder;
            if at == owner {
                return Err(Refused::Deadlock);
            }
        }
        self.by_owner.put(owner, Wait { holder, file })?;
        if let Err(error) = self.by_file.put((file, owner), ()) {
            self.end(owner);
            return Err(error.into());
        }
        Ok(())
    }

    /// An owner waits no longer.
    pub fn end(&mut self, owner: Owner) {
        if let Some(wait) = self.by_owner.remove(&owner) {
            self.by_file.remove(&(wait.file, owner));
        }
        self.tidy();
    }

    /// Something has changed about a file's locks: who waits for one looks again.
    pub fn changed(&mut self, file: u64) {
        let first = (file, Owner(0));
        while let Some((&(of, owner), ())) = self.by_file.range(first..).next() {
            if of != file {
                break;
            }
            self.by_file.remove(&(file, owner));
            self.by_owner.remove(&owner);
            (self.pause)();
        }
        self.tidy();
    }

    /// The last one's memory goes back.
    fn tidy(&mut self) {
        if self.by_owner.is_empty() {
            self.by_owner = BTreeMap::new();
            self.by_file = BTreeMap::new();
        }
    }
}

#[cfg(test)]
mod tests;
