//! What process management keeps for each torus.

use super::Table;
use super::errand::Errands;
use crate::mem::object::{ObjectRef, PageCache};
use crate::mem::spaces::Spaces;
use crate::sched::RunQueues;
use crate::syscall::futex::Futexes;
use core::sync::atomic::{AtomicU64, Ordering};
use vm::fault::Recipe;

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
    /// What was counted.
    pub counters: Counters,
    /// What other tori ask for.
    pub errands: Errands,
    /// [`crate::tori::Torus::account`] before the first process.
    pub at_start: AtomicU64,
}

impl Share {
    /// Of a torus on which nothing has run.
    pub const fn new() -> Self {
        Self {
            sched: RunQueues::new(),
            processes: Table::new(),
            spaces: Spaces::new(),
            page_cache: PageCache::new(),
            futexes: Futexes::new(),
            counters: Counters::new(),
            errands: Errands::new(),
            at_start: AtomicU64::new(0),
        }
    }

    /// Whether the torus has no process and nothing to do for another.
    pub fn is_quiet(&self) -> bool {
        self.errands.are_done() && self.processes.len() == 0
    }
}

/// A number that only grows.
#[derive(Debug)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Zero.
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// How much it is.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// The counters of a torus.
        #[derive(Debug)]
        pub struct Counters {
            $($(#[$doc])* pub $name: Counter,)*
        }

        impl Counters {
            /// Nothing counted.
            pub const fn new() -> Self {
                Self { $($name: Counter::new(),)* }
            }

            /// All of them in order, with their names; the order is part of the interface to programs (docs/abi.md).
            pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name.get()),)*].into_iter()
            }
        }
    };
}

counters! {
    /// Reads of untouched anonymous memory.
    faults_zero_read,
    /// First writes to anonymous memory.
    faults_zero,
    /// Pages of objects entered.
    faults_cached,
    /// Shared pages copied for a writer.
    faults_copy,
    /// Pages that their last sharer took, or that were allowed more.
    faults_keep,
    /// Stacks grown.
    faults_grow,
    /// Entries that were right already.
    faults_present,
    /// Accesses refused.
    faults_refused,
    /// Pages read from swap slots or pulled from another torus.
    faults_moved,
    /// System calls that are not there.
    unknown_calls,
}

impl Counters {
    /// Counts a recipe.
    pub fn count(&self, recipe: &Recipe<ObjectRef>) {
        let counter = match recipe {
            Recipe::ZeroRead(_) => &self.faults_zero_read,
            Recipe::Zero(_) => &self.faults_zero,
            Recipe::Cached { .. } => &self.faults_cached,
            Recipe::CopyOnWrite { .. } | Recipe::CopyObject { .. } => &self.faults_copy,
            Recipe::Keep(_) => &self.faults_keep,
            Recipe::Grow(_) => &self.faults_grow,
            Recipe::Present => &self.faults_present,
            Recipe::Refuse(_) => &self.faults_refused,
            Recipe::SwapIn { .. } | Recipe::Pull { .. } => &self.faults_moved,
        };
        counter.add(1);
    }

    /// Writes them to the log.
    pub fn log(&self, torus: torus::TorusId) {
        for (name, value) in self.all() {
            log::info!("torus {torus}: {name} {value}");
        }
    }
}
