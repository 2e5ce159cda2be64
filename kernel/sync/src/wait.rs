//! Wait queues: who wants to be told when something may have changed.
//!
//! A call that must wait enrols *under the lock of what it waits for*. What changes the thing wakes the queue under the same lock (or
//! after it); the call then runs again from its start. Spurious wake-ups are allowed, lost ones are not: a wake-up that
//! arrives between enrolling and blocking is remembered by the waiter.

use crate::Lock;
use crate::head;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::fmt;
use fallible::{NoMemory, TryMap};

/// Something that can wait: a thread, or a request that is served for one of another torus.
pub trait Waiter: Send + Sync {
    /// Has it look again at what it waits for.
    fn wake(self: Arc<Self>);

    /// There is no memory to have it wait: it looks again, after what else the core has to do.
    fn refuse(self: Arc<Self>) {
        self.wake();
    }

    /// Whether it waits for nothing any more.
    fn is_gone(&self) -> bool;
}

/// Entries that are looked at, with each that is added, for those that wait no more.
const SWEPT: usize = 2;

/// Those who wait for one thing.
pub struct WaitQueue {
    waiters: Lock<Waiters>,
}

/// Waiters, each once.
struct Waiters {
    /// One of them: most queues have no other, which then takes no memory.
    first: Option<Arc<dyn Waiter>>,
    /// The others by address.
    rest: BTreeMap<usize, Arc<dyn Waiter>>,
    /// Where the next look for those that wait no more begins.
    swept: usize,
}

/// What tells waiters apart.
fn address(waiter: &Arc<dyn Waiter>) -> usize {
    Arc::as_ptr(waiter).cast::<()>().addr()
}

impl Waiters {
    const fn new() -> Self {
        Self {
            first: None,
            rest: BTreeMap::new(),
            swept: 0,
        }
    }

    /// Adds one.
    fn add(&mut self, waiter: &Arc<dyn Waiter>) -> Result<(), NoMemory> {
        self.sweep();
        match &self.first {
            None => {
                // It may be among the others.
                self.rest.remove(&address(waiter));
                self.first = Some(waiter.clone());
            }
            Some(first) if address(first) == address(waiter) => {}
            Some(_) => {
                self.rest.put(address(waiter), waiter.clone())?;
            }
        }
        Ok(())
    }

    /// Takes a few out that wait for nothing any more: as many are added, so that they do not gather.
    fn sweep(&mut self) {
        self.first.take_if(|first| first.is_gone());
        for _ in 0..SWEPT {
            let next = self.rest.range(self.swept..).next();
            let Some((&address, waiter)) = next else {
                self.swept = 0;
                return;
            };
            self.swept = address + 1;
            if waiter.is_gone() {
                self.rest.remove(&address);
            }
        }
    }
}

impl Default for WaitQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WaitQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitQueue").finish_non_exhaustive()
    }
}

impl WaitQueue {
    /// An empty queue.
    pub const fn new() -> Self {
        Self {
            waiters: Lock::new(Waiters::new()),
        }
    }

    /// Adds whom this core works for, as [`Self::add`] does.
    #[cfg(target_os = "none")]
    pub fn enrol(&self) {
        self.add(head::waiter());
    }

    /// Adds somebody, or without memory for the entry [refuses](Waiter::refuse) them: they poll, and others run in between.
    pub fn add(&self, waiter: Arc<dyn Waiter>) {
        let added = self.waiters.lock().add(&waiter);
        if added.is_err() {
            waiter.refuse();
            head::yield_now();
        }
    }

    /// Takes every waiter out, to be woken when a lock that interrupts take has been let go.
    pub fn take_all(&self) -> Woken {
        Woken(core::mem::replace(
            &mut *self.waiters.lock(),
            Waiters::new(),
        ))
    }

    /// Wakes every waiter, and lets interrupts in meanwhile.
    pub fn wake_all(&self) {
        self.take_all().wake();
    }
}

/// Waiters that are to be woken.
#[must_use]
pub struct Woken(Waiters);

impl Woken {
    /// Wakes them, and lets interrupts in meanwhile.
    pub fn wake(mut self) {
        if let Some(waiter) = self.0.first.take() {
            waiter.wake();
        }
        while let Some((_, waiter)) = self.0.rest.pop_first() {
            waiter.wake();
            head::step();
        }
    }
}
