//! What layers above do for memory, by names that are bound when the kernel is linked.

use super::user::{UserError, UserSlice};
use tori::Torus;
use torus::pid::Pid;

/// Which process pays when nothing can go any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Somebody ends, whose memory will come.
    Other,
    /// The asker is to get none.
    Asker,
    /// There is nobody who has much.
    Nobody,
}

// SAFETY: K39, the kernel binds them to safe functions of these types.
unsafe extern "Rust" {
    /// Finds a process to kill, so that who asks, if it is a process, gets memory.
    pub(super) safe fn mem_find_victim(torus: &Torus, asker: Option<Pid>) -> Verdict;
    /// Resolves an access of the kernel's on behalf of the running program. `again` counts how often the entry was right already.
    pub(super) safe fn mem_touch(
        address: usize,
        write: bool,
        again: &mut u32,
    ) -> Result<(), UserError>;
    /// Writes to the running program, later where a page is on its way ([`UserSlice::write`]).
    pub(super) safe fn mem_write(place: &UserSlice, from: &[u8]) -> Result<(), UserError>;
    /// So many pages more, or less, are of files in memory.
    pub(super) safe fn mem_count_pages(pages: i64);
    /// Whether files in memory may take a page more.
    pub(super) safe fn mem_has_room() -> bool;
    /// Whether what they take of the kernel's heap may grow.
    pub(super) safe fn mem_may_grow() -> bool;
}
