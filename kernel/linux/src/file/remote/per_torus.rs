//! What a torus keeps of files that are used between tori.

use super::super::open::OpenFile;
use super::question::Asking;
use super::serving::Serving;
use crate::process::emptied;
use ::torus::MAX_TORI;
use alloc::sync::Arc;
use braid_files::remote::exports::Exports;
use braid_files::remote::requests::Requests;
use braid_files::remote::slots::Slots;
use core::sync::atomic::{AtomicUsize, Ordering};
use sync::Lock;

/// One torus's share.
pub struct RemoteFiles {
    /// Questions to other tori that have not been answered.
    pub(super) asked: Lock<Slots<Arc<Asking>>>,
    /// Files that other tori hold.
    pub(super) exports: Lock<Exports<Option<Arc<OpenFile>>, MAX_TORI>>,
    /// Requests of other tori that wait.
    pub(super) waiting: Lock<Requests<Arc<Serving>>>,
    /// How many questions, files and requests these are.
    busy: AtomicUsize,
}

tori::part!(RemoteFiles, 12);

impl RemoteFiles {
    /// Nothing.
    pub const fn new() -> Self {
        Self {
            asked: Lock::new(Slots::new()),
            exports: Lock::new(Exports::new()),
            waiting: Lock::new(Requests::new()),
            busy: AtomicUsize::new(0),
        }
    }

    /// Gives back what is only kept for later.
    pub fn shrink(&self) {
        self.asked.lock().shrink();
        self.exports.lock().shrink();
        self.waiting.lock().shrink();
    }

    /// Whether no question is open, and no other torus holds a file of this one.
    pub fn is_quiet(&self) -> bool {
        self.busy.load(Ordering::Acquire) == 0
    }

    pub(super) fn begin(&self) {
        self.busy.fetch_add(1, Ordering::AcqRel);
    }

    /// One less: with the last the machine may end.
    pub(super) fn end(&self) {
        if self.busy.fetch_sub(1, Ordering::AcqRel) == 1 {
            emptied::tell();
        }
    }
}

/// The share of the torus that runs this.
pub(super) fn share() -> &'static RemoteFiles {
    tori::here().part::<RemoteFiles>()
}
