//! What process management keeps for each torus.

use super::Table;
use super::errand::Errands;
use crate::mem::object::PageCache;
use crate::mem::spaces::Spaces;
use crate::sched::RunQueues;
use crate::syscall::futex::Futexes;
use core::sync::atomic::AtomicU64;
use torus::TorusId;

/// One torus's share. No other torus writes to it.
pub struct Share {
    /// Which cores idle.
    pub sched: RunQueues,
    /// The processes.
    pub processes: Table,
    /// The address spaces.
    pub spaces: Spaces,
    /// Pages of files.
    pub page_cache: PageCache,
    /// Threads that wait for a word.
    pub futexes: Futexes,
    /// What other tori ask for.
    pub errands: Errands,
    /// [`crate::tori::Torus::account`] before the first process.
    pub at_start: AtomicU64,
}

impl Share {
    /// Of a torus on which nothing has run.
    pub const fn new(torus: TorusId) -> Self {
        Self {
            sched: RunQueues::new(),
            processes: Table::new(torus),
            spaces: Spaces::new(),
            page_cache: PageCache::new(),
            futexes: Futexes::new(),
            errands: Errands::new(),
            at_start: AtomicU64::new(0),
        }
    }

    /// Whether the torus has no process and nothing to do for another.
    pub fn is_quiet(&self) -> bool {
        self.errands.are_done() && self.processes.len() == 0
    }
}
