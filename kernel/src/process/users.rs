//! How many processes each user has (RLIMIT_NPROC), zombies and those of user 0 left out.
//!
//! Each torus counts its own. Who makes a process while a limit holds for him adds up what all tori have counted for him: the one
//! place where a local operation reads what another torus writes, and never for user 0.

use crate::arch::cpu;
use crate::tori;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use spin::mutex::SpinMutex;

/// Users that are counted on one torus at the same time; processes of more are not counted.
const SLOTS: usize = 64;

/// The users of one torus. Only that writes here.
pub struct Users {
    slots: [Slot; SLOTS],
    /// Held while slots are given.
    giving: SpinMutex<(), crate::arch::Relax>,
}

struct Slot {
    /// Whose it is, while the count is not 0.
    user: AtomicU64,
    count: AtomicU32,
}

impl Slot {
    const fn new() -> Self {
        Self {
            user: AtomicU64::new(0),
            count: AtomicU32::new(0),
        }
    }
}

/// A process that is counted, until this is dropped.
pub struct Counted(usize);

impl Users {
    /// No processes.
    pub const fn new() -> Self {
        Self {
            slots: [const { Slot::new() }; SLOTS],
            giving: SpinMutex::new(()),
        }
    }

    fn count(&self, user: u32) -> u64 {
        let own = |slot: &&Slot| slot.user.load(Ordering::Relaxed) == u64::from(user);
        let counts = self.slots.iter().filter(own);
        counts
            .map(|slot| u64::from(slot.count.load(Ordering::Relaxed)))
            .sum()
    }

    fn enter(&self, user: u32) -> Option<Counted> {
        let _giving = self.giving.lock();
        let used = |slot: &Slot| slot.count.load(Ordering::Relaxed) > 0;
        let own = |slot: &Slot| used(slot) && slot.user.load(Ordering::Relaxed) == user.into();
        let found = self.slots.iter().position(own);
        let index = found.or_else(|| self.slots.iter().position(|slot| !used(slot)))?;
        let slot = &self.slots[index];
        slot.user.store(user.into(), Ordering::Relaxed);
        slot.count.fetch_add(1, Ordering::Relaxed);
        Some(Counted(index))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let users = own();
        let _giving = users.giving.lock();
        users.slots[self.0].count.fetch_sub(1, Ordering::Relaxed);
    }
}

fn own() -> &'static Users {
    &cpu::this().torus().share.users
}

/// Counts a process of a user on this torus; user 0 is not counted.
pub fn enter(user: u32) -> Option<Counted> {
    if user == 0 { None } else { own().enter(user) }
}

/// How many processes a user has on all tori.
pub fn count(user: u32) -> u64 {
    tori::all().map(|torus| torus.share.users.count(user)).sum()
}
