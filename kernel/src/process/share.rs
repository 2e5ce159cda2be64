//! What process management keeps for each torus.

use super::Table;
use super::account::Account;
use super::balance::Balance;
use super::charge::Ledger;
use super::closing::Closing;
use crate::mem::names::Names;
use crate::mem::object::{Named, Objects};
use crate::mem::page_cache::PageCache;
use crate::mem::spaces::Spaces;
use crate::syscall::futex::Futexes;
use braid_files::locks::Waits;
use machine::cpu;
use sync::Lock;
use tori::{Make, Part, Torus};
use torus::TorusId;

/// One torus's share. No other torus writes to it.
pub struct Share {
    /// The processes.
    pub processes: Table,
    /// The address spaces.
    pub spaces: Spaces,
    /// Names for spaces and objects.
    pub names: Names,
    /// Memory objects by name.
    pub named: Named,
    /// Files that have been mapped.
    pub objects: Objects,
    /// Frames of immutable content.
    pub page_cache: PageCache,
    /// Memory objects.
    pub vmo: crate::vmo::Store,
    /// Threads that wait for a word.
    pub futexes: Futexes,
    /// Files of other tori, and for them.
    pub far_files: crate::file::far::Share,
    /// Owners that wait for locks of this torus's files.
    pub lock_waits: Lock<Waits>,
    /// Processes that come and go.
    pub migrate: crate::migrate::Share,
    /// What it knows of other tori's load.
    pub balance: Balance,
    /// What is counted of the kernel objects that lie on it.
    pub ledger: Ledger,
    /// Its end, with the machine.
    pub closing: Closing,
    /// What the torus had before its first process.
    pub account: Account,
}

// SAFETY: K13, the only part with this slot.
unsafe impl Part for Share {
    const SLOT: usize = 2;
}

impl Make for Share {
    fn new(torus: TorusId, tori: usize) -> Self {
        Self::new(torus, tori)
    }
}

/// What this layer keeps of a torus.
pub trait OfTorus {
    /// Its share.
    fn share(&self) -> &'static Share;
}

impl OfTorus for Torus {
    #[inline]
    fn share(&self) -> &'static Share {
        self.part()
    }
}

impl Share {
    /// Gives back what is only kept for later: memory of empty tables, and pages and objects that nobody has mapped.
    pub fn shrink(&self) {
        self.objects.drop_unused();
        self.page_cache.drop_unused();
        self.vmo.sweep();
        self.far_files.shrink();
        self.migrate.shrink();
    }

    /// Of a torus on which nothing has run.
    pub const fn new(torus: TorusId, tori: usize) -> Self {
        Self {
            processes: Table::new(torus, tori),
            spaces: Spaces::new(),
            names: Names::new(),
            named: Named::new(),
            objects: Objects::new(),
            page_cache: PageCache::new(),
            vmo: crate::vmo::Store::new(),
            futexes: Futexes::new(),
            far_files: crate::file::far::Share::new(),
            lock_waits: Lock::new(Waits::new(cpu::let_interrupts_in)),
            migrate: crate::migrate::Share::new(torus),
            balance: Balance::new(),
            ledger: Ledger::new(),
            closing: Closing::new(),
            account: Account::new(),
        }
    }
}
