//! What process management keeps for each torus.

use super::Table;
use super::account::Account;
use super::balance::Balance;
use super::charge::Ledger;
use super::closing::Closing;
use crate::memory::victim::Victims;
use crate::swap::Prepared;
use crate::syscall::futex::Futexes;
use braid_files::locks::Waits;
use machine::cpu;
use sync::Lock;
use tori::{Make, Torus};
use torus::TorusId;

/// One torus's share. No other torus writes to it.
pub struct Share {
    /// The processes.
    pub processes: Table,
    /// Memory objects.
    pub vmo: crate::vmo::Store,
    /// At boot, the disk that is to become the swap.
    pub swap_disk: Lock<Option<Prepared>>,
    /// Who pays when memory is out.
    pub victims: Victims,
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
        self.vmo.sweep();
        self.far_files.shrink();
        self.migrate.shrink();
    }

    /// Of a torus on which nothing has run.
    pub const fn new(torus: TorusId, tori: usize) -> Self {
        Self {
            processes: Table::new(torus, tori),
            vmo: crate::vmo::Store::new(),
            swap_disk: Lock::new(None),
            victims: Victims::new(),
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
