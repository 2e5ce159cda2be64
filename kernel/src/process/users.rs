//! How many processes a torus has, and how many each user has (RLIMIT_NPROC).
//!
//! Each torus counts its own. Who makes a process while a limit holds for him adds up what all tori have counted for him: the one
//! place where a local operation reads what another torus writes, and never for user 0.
//!
//! However many a user may have, a torus makes no more than fit into an eighth of its memory, so that there is some left for what
//! they do, and for those who were there before.

use super::{Pid, table};
use crate::arch::cpu;
use crate::tori;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use spin::mutex::SpinMutex;

/// Frames that a process stands for, eight times what the kernel needs for it: page tables, registers, descriptors.
const LIVING: u64 = 8 * 4;
/// Frames that a process stands for that has ended and is not waited for; two of them fit into a frame.
const ENDED: u64 = 8 / 2;
/// Users that are counted on one torus at the same time; processes of more are not counted.
const SLOTS: usize = 64;

/// The users of one torus. Only that writes here.
pub struct Users {
    /// Processes of all users that live.
    living: AtomicU64,
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

/// A process that is counted, until this is dropped: in its user's slot, if he has one.
pub struct Counted(Option<usize>);

impl Users {
    /// No processes.
    pub const fn new() -> Self {
        Self {
            living: AtomicU64::new(0),
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

    fn enter(&self, user: u32) -> Option<usize> {
        let _giving = self.giving.lock();
        let used = |slot: &Slot| slot.count.load(Ordering::Relaxed) > 0;
        let own = |slot: &Slot| used(slot) && slot.user.load(Ordering::Relaxed) == user.into();
        let found = self.slots.iter().position(own);
        let index = found.or_else(|| self.slots.iter().position(|slot| !used(slot)))?;
        let slot = &self.slots[index];
        slot.user.store(user.into(), Ordering::Relaxed);
        slot.count.fetch_add(1, Ordering::Relaxed);
        Some(index)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let users = own();
        users.living.fetch_sub(1, Ordering::Relaxed);
        if let Some(slot) = self.0 {
            let _giving = users.giving.lock();
            users.slots[slot].count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn own() -> &'static Users {
    &cpu::this().torus().share.users
}

/// Counts a process of a user on this torus; user 0 has no slot.
pub fn enter(user: u32) -> Counted {
    let users = own();
    users.living.fetch_add(1, Ordering::Relaxed);
    Counted(if user == 0 { None } else { users.enter(user) })
}

/// Whether this torus has room for one more process of `parent`, which is counted already. The first process gets a quarter more: it
/// collects those whose parents have ended, and goes on where all others have made as many as they can.
pub fn fits(parent: Pid) -> bool {
    let all = cpu::this().torus().total();
    let room = if parent == Pid::INIT {
        all + all / 4
    } else {
        all
    };
    let living = own().living.load(Ordering::Relaxed);
    let ended = (table().population() as u64 + 1).saturating_sub(living);
    living * LIVING + ended * ENDED <= room
}

/// The most processes that can live on all tori (`/proc/sys/kernel/threads-max`).
pub fn most() -> u64 {
    tori::all().map(|torus| most_in(torus.total())).sum()
}

/// The most processes that so many frames have room for.
pub const fn most_in(frames: u64) -> u64 {
    frames / LIVING
}

/// How many processes a user has on all tori.
pub fn count(user: u32) -> u64 {
    tori::all().map(|torus| torus.share.users.count(user)).sum()
}
