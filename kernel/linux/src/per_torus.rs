//! What this layer keeps of each torus.

use crate::file::locks::RecordWaits;
use crate::file::remote;
use crate::memory::victim::Victims;
use crate::process::Table;
use crate::process::account::Account;
use crate::process::balance::Balance;
use crate::process::charge::Ledger;
use crate::process::closing::Closing;
use crate::syscall::futex::Futexes;
use crate::vmo::Store;
use tori::{Make, Parts};
use torus::TorusId;

/// One torus's share, in one piece of its memory; each field is a part by itself. No other torus writes to it.
pub struct PerTorus {
    processes: Table,
    vmo: Store,
    victims: Victims,
    futexes: Futexes,
    files: remote::RemoteFiles,
    record_waits: RecordWaits,
    balance: Balance,
    ledger: Ledger,
    closing: Closing,
    account: Account,
}

impl Make for PerTorus {
    fn new(torus: TorusId, tori: usize) -> Self {
        Self {
            processes: Table::new(torus, tori),
            vmo: Store::new(),
            victims: Victims::new(),
            futexes: Futexes::new(),
            files: remote::RemoteFiles::new(),
            record_waits: RecordWaits::new(),
            balance: Balance::new(),
            ledger: Ledger::new(),
            closing: Closing::new(),
            account: Account::new(),
        }
    }

    fn enter(&'static self, parts: &mut Parts) {
        parts.set(self);
        parts.set(&self.processes);
        parts.set(&self.vmo);
        parts.set(&self.victims);
        parts.set(&self.futexes);
        parts.set(&self.files);
        parts.set(&self.record_waits);
        parts.set(&self.balance);
        parts.set(&self.ledger);
        parts.set(&self.closing);
        parts.set(&self.account);
    }
}

tori::part!(PerTorus, 2);
