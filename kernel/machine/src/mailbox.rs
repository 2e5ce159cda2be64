//! Where a core's requests for shootdowns lie, and who asks it.

use super::index::MAX_CORES;
use core::sync::atomic::{AtomicU32, AtomicU64};

/// Words with a bit for each core.
pub(super) const WORDS: usize = MAX_CORES / 64;

/// Where other cores leave their requests, and this core's own request.
pub(super) struct Mailbox {
    /// Bit per core that asks.
    pub(super) from: [AtomicU64; WORDS],
    // This core's request: the pages (for other counts see below), and who has not answered.
    pub(super) first: AtomicU64,
    pub(super) pages: AtomicU64,
    pub(super) waiting: AtomicU32,
}

impl Mailbox {
    pub(super) const fn new() -> Self {
        Self {
            from: [const { AtomicU64::new(0) }; WORDS],
            first: AtomicU64::new(0),
            pages: AtomicU64::new(0),
            waiting: AtomicU32::new(0),
        }
    }
}
