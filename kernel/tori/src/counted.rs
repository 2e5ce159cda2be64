//! What is counted: by each core for itself, so that counting shares no cache line; summed up for a torus when asked.

use sync::Counter;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// The counters of a core.
        #[derive(Debug)]
        pub struct Counters {
            $($(#[$doc])* pub $name: Counter,)*
        }

        /// How many there are.
        pub const COUNT: usize = [$(stringify!($name)),*].len();

        impl Default for Counters {
            fn default() -> Self {
                Self::new()
            }
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
    /// Times that entries had to be forgotten.
    flushes,
    /// Those of them for which other cores were interrupted.
    shootdowns,
    /// Processes made.
    forks,
    /// Programs executed.
    programs,
    /// Threads picked to run.
    switches,
    /// Those of them taken from another core's queue.
    steals,
    /// Messages sent to other tori.
    messages_sent,
    /// Messages taken from their rings.
    messages_received,
    /// Other tori interrupted, for a message or for room.
    doorbells,
    /// Pages of immutable content that were in the page cache already.
    content_found,
    /// Frames made for the page cache.
    content_made,
    /// Cores interrupted so that they forget entries.
    flush_interrupts,
    /// Pages read from swap slots.
    swapped_in,
    /// Pages written to them.
    swapped_out,
    /// Processes that were offered to another torus.
    migrations_out,
    /// Processes that have come from another torus.
    migrations_in,
    /// Those offered that stayed.
    migrations_refused,
    /// Nanoseconds from freezing a process at its old torus to its first instruction here, together.
    downtime_ns,
    /// Messages that asked other tori for pages.
    pulls,
    /// Pages that they asked for.
    pages_asked,
    /// Pages that have come.
    pages_pulled,
    /// Pages dropped for want of memory, which can be made again.
    pages_dropped,
    /// Pages that came from another torus before anybody asked for them.
    pages_prefetched,
    /// Those of them that have gone unused.
    pages_wasted,
    /// Not a count: pages that processes which are elsewhere have left here, and not all that they had.
    residual,
}

/// How many of the counters, from the first on, are kept for each process too: the faults.
pub const FAULTS: usize = 9;
