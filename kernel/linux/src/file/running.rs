//! What a torus runs of the boot archive.

use super::boot::archive;
use alloc::vec::Vec;
use braid_files::archive::NodeId;
use core::sync::atomic::{AtomicU32, Ordering};
use fallible::{NoMemory, collect};

/// How often a torus runs each file of the boot archive.
pub struct Running(Vec<AtomicU32>);

impl Running {
    /// None of so many nodes.
    pub fn new(nodes: usize) -> Result<Self, NoMemory> {
        collect((0..nodes).map(|_| AtomicU32::new(0))).map(Self)
    }

    /// How often it runs a file.
    pub fn of(&self, id: NodeId) -> Option<&AtomicU32> {
        self.0.get(archive().node(id).first.0 as usize)
    }

    /// Whether a file is run.
    pub fn has(&self, id: NodeId) -> bool {
        self.of(id)
            .is_some_and(|count| count.load(Ordering::Acquire) > 0)
    }
}
