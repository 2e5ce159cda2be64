//! Files of the boot archive.

use super::boot;
use super::caller::Caller;
use super::io::Transfer;
use super::kind::{File, Origin};
use super::mapping::Mappable;
use super::memory;
use super::open::OpenFile;
use super::transfer::read_bytes;
use super::tree::Node;
use crate::syscall::call::{Stop, SysResult};
use crate::syscall::errno::Errno;
use braid_files::archive::NodeId;
use braid_files::remote::image::Spot;

/// A file of the boot archive, as it was when it was opened: what has changed of it since is at torus 0.
pub struct ArchiveFile {
    id: NodeId,
    bytes: &'static [u8],
}

impl ArchiveFile {
    /// The file of this node. EACCES when it is a directory.
    pub fn new(id: NodeId) -> Result<Self, Errno> {
        let bytes = boot::bytes(id).ok_or(Errno::EACCES)?;
        Ok(Self { id, bytes })
    }
}

impl File for ArchiveFile {
    fn read(&self, open: &OpenFile, _caller: &dyn Caller, io: &mut Transfer) -> SysResult {
        match Node::Archive(self.id).now() {
            Node::Tmp(node) => memory::read(open, &node, io),
            _ => read_bytes(open, self.bytes, io),
        }
    }

    fn mapped(&self, open: &OpenFile, _shared: bool) -> Result<Mappable, Stop> {
        Ok(Mappable::new(boot::object_of(self.id)?, open.flags()))
    }

    fn node(&self) -> Option<Node> {
        Some(Node::Archive(self.id).now())
    }

    fn spot(&self) -> Option<Spot> {
        Some(Spot::Archive { node: self.id.0 })
    }

    fn origin(&self) -> Origin<'_> {
        Origin::Archive(self.id)
    }
}
