//! Locks of files in `/tmp`: kept with the content, by owner. A process's records go when it closes any descriptor of the file
//! (fcntl(2)); an open file's go with it (flock(2), F_OFD_SETLK).

use super::content::Content;
use super::open::{Body, OpenFile};
use super::transfer;
use crate::sched::lock::Lock;
use crate::sched::wait::WaitQueue;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use braid_files::locks::{self, Locks, Owner, Refused};

/// The locks of one file.
pub struct FileLocks {
    /// By ranges of bytes.
    records: Lock<Locks>,
    /// Of whole files, by flock(2): the two do not know each other.
    whole: Lock<Locks>,
    /// Woken when a lock goes.
    changed: WaitQueue,
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
            records: Lock::new(Locks::new()),
            whole: Lock::new(Locks::new()),
            changed: WaitQueue::new(),
        }
    }

    fn by(&self, by: By) -> &Lock<Locks> {
        match by {
            By::Fcntl => &self.records,
            By::Flock => &self.whole,
        }
    }

    /// Sets a lock; waits for those in the way, or answers EAGAIN.
    pub fn set(&self, by: By, lock: locks::Lock, wait: bool) -> Result<(), Stop> {
        let mut locks = self.by(by).lock();
        let result = locks.set(lock);
        match result {
            Ok(()) => {}
            Err(Refused::NoMemory) => return Err(Errno::ENOLCK.into()),
            Err(Refused::Held(_)) => {
                // flock(2): a lock of another kind is let go first.
                let released = by == By::Flock && locks.release(lock.owner);
                if wait {
                    self.changed.enrol();
                }
                drop(locks);
                if released {
                    self.changed.wake_all();
                }
                return Err(if wait {
                    Stop::Block
                } else {
                    Errno::EAGAIN.into()
                });
            }
        }
        drop(locks);
        // A lock that is shared now, and was not.
        self.changed.wake_all();
        Ok(())
    }

    /// Lets go what an owner holds of a range.
    pub fn clear(&self, by: By, lock: &locks::Lock) -> Result<(), Errno> {
        let cleared = self.by(by).lock().clear(lock.owner, lock.start, lock.end);
        if cleared.map_err(|_| Errno::ENOLCK)? {
            self.changed.wake_all();
        }
        Ok(())
    }

    /// The lock by fcntl(2) that keeps this one from being set.
    pub fn in_the_way(&self, lock: &locks::Lock) -> Option<locks::Lock> {
        self.records.lock().in_the_way(lock).copied()
    }

    fn release(&self, owner: Owner) {
        let records = self.records.lock().release(owner);
        let whole = self.whole.lock().release(owner);
        if records || whole {
            self.changed.wake_all();
        }
    }
}

/// The file's content, when it is one whose locks are kept here.
pub fn locked(file: &OpenFile) -> Option<&Content> {
    match &file.body {
        Body::Tmp(node) => transfer::content(node).ok(),
        _ => None,
    }
}

/// The owner of a process's records: what it has of files, as on Linux.
pub fn process(context: &super::Context) -> Owner {
    Owner(core::ptr::from_ref(context).addr() as u64)
}

/// The owner that an open file is.
pub fn open_file(file: &OpenFile) -> Owner {
    Owner(core::ptr::from_ref(file).addr() as u64)
}

/// An owner has no more to do with a file.
pub fn release(file: &OpenFile, owner: Owner) {
    if let Some(content) = locked(file) {
        content.locks.release(owner);
    }
}
