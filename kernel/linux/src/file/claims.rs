//! Claims to write to a file or to run it: there are never both at once (ETXTBSY). An open file has its [`Claim`] for as long as it is open.
//!
//! A file in memory counts its claims. What has never been opened for writing of the boot archive has no place for that: each torus counts
//! in its own memory what it runs of it, and torus 0, where the root is at home, looks at all these counts when one is to be written.

use super::content::{self, TmpNode};
use super::local;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use braid_files::archive::NodeId;
use core::sync::atomic::{Ordering, fence};

/// What an open file is there for.
#[derive(Default)]
pub enum Claim {
    /// Neither of both.
    #[default]
    None,
    /// It is written to.
    Writes(Arc<TmpNode>),
    /// It is run.
    Runs(Arc<TmpNode>),
    /// A file of the archive is run on this torus.
    RunsArchive(NodeId),
}

impl Claim {
    /// To write to a file. ETXTBSY: it is run.
    pub fn to_write(node: &Arc<TmpNode>) -> Result<Self, Errno> {
        content::of(node)?.claims.take(1)?;
        let claim = Self::Writes(node.clone());
        // The mark comes before the look: an exec that counts itself later sees the mark, and asks the file's home. An exec that
        // has counted itself already is seen below.
        node.mark();
        fence(Ordering::SeqCst);
        match node.archive() {
            Some(id) if local::is_run_anywhere(id) => Err(Errno::ETXTBSY),
            _ => Ok(claim),
        }
    }

    /// To run a file. ETXTBSY: somebody writes to it.
    pub fn to_run(node: &Arc<TmpNode>) -> Result<Self, Errno> {
        content::of(node)?.claims.take(-1)?;
        Ok(Self::Runs(node.clone()))
    }

    /// To run a file of the archive. Whether nobody writes to it can be seen from its mark afterwards: where that is set, its home knows.
    pub fn to_run_archive(id: NodeId) -> Self {
        if let Some(count) = local::local().running.of(id) {
            count.fetch_add(1, Ordering::AcqRel);
        }
        fence(Ordering::SeqCst);
        Self::RunsArchive(id)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let (node, one) = match self {
            Self::Writes(node) => (node, 1),
            Self::Runs(node) => (node, -1),
            Self::RunsArchive(id) => {
                if let Some(count) = local::local().running.of(*id) {
                    count.fetch_sub(1, Ordering::AcqRel);
                }
                return;
            }
            Self::None => return,
        };
        if let Ok(content) = content::of(node) {
            content.claims.give_back(one);
        }
    }
}
