//! Open files that stand for files of other tori.

use super::super::caller::Caller;
use super::super::flags::Flags;
use super::super::io::Transfer;
use super::super::kind::{File, Origin};
use super::super::open::OpenFile;
use super::super::tree::Node;
use super::reference::Remote;
use crate::syscall::call::SysResult;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use braid_files::archive::S_IFREG;
use braid_files::stat::S_IFCHR;
use braid_threads::interruption::Interruption;
use sync::Waiter;

/// A file of another torus: reads, writes, requests, polls and mappings go there before they come here.
pub struct RemoteFile(pub Arc<Remote>);

impl RemoteFile {
    /// An open file that stands for a file of another torus. ENFILE, and ENOMEM without memory.
    pub fn open(remote: Remote) -> Result<Arc<OpenFile>, Errno> {
        let flags = Flags::from_bits_retain(remote.description.flags);
        let remote = fallible::arc(remote.with_places()?)?;
        OpenFile::new(Self(remote), flags)
    }
}

impl File for RemoteFile {
    fn read(&self, _open: &OpenFile, _caller: &dyn Caller, _io: &mut Transfer) -> SysResult {
        Err(Errno::EIO.into())
    }

    fn events(&self, _wanted: u16, _waiter: Option<&Arc<dyn Waiter>>) -> u16 {
        0
    }

    fn interruption(&self) -> Interruption {
        if self.kind() == S_IFREG {
            Interruption::Never
        } else {
            Interruption::Restarts
        }
    }

    fn place(&self) -> Option<Node> {
        Some(Node::Remote(self.0.clone()))
    }

    fn followed(&self) -> Option<Node> {
        self.directory().ok().or_else(|| self.place())
    }

    fn directory(&self) -> Result<Node, Errno> {
        if !self.0.is_directory() {
            return Err(Errno::ENOTDIR);
        }
        Ok(match self.0.archive() {
            Some(id) => Node::Archive(id),
            None => Node::Remote(self.0.clone()),
        })
    }

    fn kind(&self) -> u32 {
        self.0.description.kind
    }

    fn is_terminal(&self) -> bool {
        self.kind() == S_IFCHR
    }

    fn may_be_given(&self) -> bool {
        !self.0.description.bound
    }

    fn origin(&self) -> Origin<'_> {
        Origin::Remote(&self.0)
    }
}
