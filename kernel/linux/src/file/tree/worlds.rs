//! Path resolution: what is where in the tree, and for whom.

use super::{Node, archive};
use crate::file::device;
use crate::file::proc::{self, Proc};
use crate::file::remote::reference::Remote;
use braid_files::credentials::Identity;
use braid_files::error::FileError;
use braid_files::permission::{self, Access};
use braid_files::walk;
use braid_files::walk::Link;
use machine::cpu;

/// Path resolution over the whole tree, on behalf of somebody.
pub struct World {
    who: Identity,
    /// Whether what lies below a node is somebody else's to resolve.
    foreign: fn(&Node) -> bool,
}

impl World {
    /// For a process of this torus: what is another torus's is left to that.
    pub const fn own(who: Identity) -> Self {
        let foreign = |node: &Node| matches!(node, Node::Remote(_)) || node.is_stale();
        Self { who, foreign }
    }

    /// For another torus: in the root and in `/tmp`, as everything else is the other's to find.
    pub const fn home(who: Identity) -> Self {
        let foreign = |node: &Node| match node {
            Node::Tmp(_) => false,
            Node::Archive(_) => node.is_stale(),
            // A process that is here is shown here, on the way to it nothing is.
            Node::Proc(proc) => proc.subject().is_none(),
            _ => true,
        };
        Self { who, foreign }
    }
}

impl walk::Tree for World {
    type Node = Node;

    fn pause(&self) {
        cpu::let_interrupts_in();
    }

    fn root(&self) -> Node {
        Node::root()
    }

    fn child(&self, directory: &Node, name: &[u8]) -> Result<Option<Node>, FileError> {
        if let Some(mounted) = directory.mounted(name) {
            return Ok(Some(mounted));
        }
        let child = match directory {
            Node::Archive(id) => {
                let child = archive().child(*id, name).ok_or(FileError::NotFound)?;
                Node::Archive(child).now()
            }
            Node::Tmp(node) => Node::from(node.child(name)?),
            Node::DevDirectory => Node::Device(device::find(name).ok_or(FileError::NotFound)?),
            Node::Device(_) | Node::Remote(_) => return Err(FileError::NotDirectory),
            Node::Proc(node) => match (node.child(name), proc::absent(node, name)) {
                (Some(child), _) => Node::Proc(child),
                (None, Some(pid)) => Node::Remote(fallible::arc(Remote::process(pid))?),
                (None, None) => return Err(FileError::NotFound),
            },
        };
        Ok((!child.is_stale()).then_some(child))
    }

    fn parent(&self, directory: &Node) -> Result<Node, FileError> {
        directory.parent().ok_or(FileError::NotFound)
    }

    fn is_directory(&self, node: &Node) -> bool {
        node.is_directory()
    }

    fn link(&self, node: &Node) -> Result<Option<Link<Node>>, FileError> {
        if let Node::Proc(proc) = node {
            let followed = proc.followed();
            // Asked afterwards: the process may have executed a set-id program meanwhile.
            if proc.is_link() && !proc.may_be_inspected(&self.who) {
                return Err(FileError::Denied);
            }
            if let Some(node) = followed {
                return Ok(Some(Link::Node(node)));
            }
            match proc {
                // It leads to an open file without a place: opening that is a matter of the call.
                Proc::Descriptor(..) => return Ok(None),
                Proc::Executable(_) | Proc::Directory(_) => return Err(FileError::NotFound),
                _ => {}
            }
        }
        Ok(node.link()?.map(Link::Path))
    }

    fn may_search(&self, directory: &Node) -> bool {
        if let Node::Proc(proc) = directory
            && proc.is_own()
        {
            return true;
        }
        permission::may(&self.who, directory.guard(), Access::EXECUTE)
    }

    fn may_follow(&self, directory: &Node, link: &Node) -> bool {
        permission::may_follow(&self.who, directory.guard(), link.guard())
    }

    fn is_foreign(&self, node: &Node) -> bool {
        (self.foreign)(node)
    }
}
