//! Directories, and whatever is opened as a place alone (O_PATH).

use super::caller::Caller;
use super::io::Transfer;
use super::kind::File;
use super::open::OpenFile;
use super::tree::Node;
use crate::syscall::call::SysResult;
use crate::syscall::errno::Errno;
use braid_files::remote::image::Spot;

/// A directory, or a file of any kind that is opened as a place.
pub struct Place(pub Node);

impl File for Place {
    fn read(&self, _open: &OpenFile, _caller: &dyn Caller, _io: &mut Transfer) -> SysResult {
        Err(Errno::EISDIR.into())
    }

    fn node(&self) -> Option<Node> {
        Some(self.0.clone().now())
    }

    fn directory(&self) -> Result<Node, Errno> {
        if self.0.is_directory() {
            Ok(self.0.clone().now())
        } else {
            Err(Errno::ENOTDIR)
        }
    }

    fn spot(&self) -> Option<Spot> {
        match &self.0 {
            Node::Archive(id) => Some(Spot::Archive { node: id.0 }),
            // Whatever has become of it: where it is now is found by its number.
            Node::Tmp(node) if node.is_directory() => {
                node.archive().map(|id| Spot::Archive { node: id.0 })
            }
            Node::DevDirectory => Some(Spot::Devices),
            _ => None,
        }
    }
}
