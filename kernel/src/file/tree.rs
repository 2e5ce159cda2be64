//! The one tree that programs see: the boot archive, with `/tmp`, `/dev` and `/proc` on it.

use super::content::Content;
use super::device::{self, Device};
use super::far::remote::Remote;
use super::local::{self, TmpNode};
use super::machine;
use super::proc::{self, Proc};
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::archive::{self, NodeId, ROOT};
use braid_files::error::FileError;
use braid_files::stat::{Stat, Time};
use braid_files::{tmp, walk};
use spin::Once;

/// The boot archive: parsed once, at boot.
static ARCHIVE: Once<archive::Tree<'static>> = Once::new();

/// Copies of it, for other tori than the first: what the first one's heap holds beside the tree changes all the time. A torus
/// without memory for a copy reads the first one's.
static COPIES: [Once<Option<archive::Tree<'static>>>; torus::MAX_TORI] =
    [const { Once::new() }; torus::MAX_TORI];

/// Directories that are there in any case, because something else is mounted on them.
const MOUNTS: [&[u8]; 3] = [b"dev", b"proc", b"tmp"];

/// Parses the boot archive. Called once, before the first process.
pub fn init(bytes: &'static [u8], verify: bool) -> Result<(), archive::ArchiveError> {
    let mut tree = archive::Tree::parse(bytes, &MOUNTS)?;
    if verify {
        super::boot::verify(&mut tree);
    }
    ARCHIVE.call_once(|| tree);
    Ok(())
}

/// The boot archive, as the torus that runs this has it.
///
/// # Panics
/// Before [`init`].
pub fn archive() -> &'static archive::Tree<'static> {
    let first = || {
        let parsed = ARCHIVE.get();
        parsed.unwrap_or_else(|| panic!("files are used before the boot archive was parsed"))
    };
    let torus = machine::torus_index();
    let copy = COPIES[torus % COPIES.len()].call_once(|| match torus {
        0 => None,
        _ => first().try_clone().ok(),
    });
    copy.as_ref().unwrap_or_else(first)
}

/// A file, directory or link, wherever it lives.
#[derive(Clone)]
pub enum Node {
    /// Of the boot archive.
    Archive(NodeId),
    /// Of `/tmp`, or nameless.
    Tmp(Arc<TmpNode>),
    /// `/dev` itself.
    DevDirectory,
    /// A name in `/dev`.
    Device(Device),
    /// `/proc` and all below it.
    Proc(Proc),
    /// A directory of another torus; what is in it is asked for there.
    Far(Arc<Remote>),
}

/// The file system a node is on: its device number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mount {
    /// The boot archive.
    Archive = 1,
    /// `/tmp`.
    Tmp = 2,
    /// `/dev`.
    Dev = 3,
    /// `/proc`.
    Proc = 4,
    /// Pipes.
    Pipe = 5,
}

impl Node {
    /// The root directory.
    pub fn root() -> Self {
        Self::Archive(ROOT)
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        match self {
            Self::Archive(id) => archive().node(*id).is_directory(),
            Self::Tmp(node) => node.is_directory(),
            Self::DevDirectory => true,
            Self::Device(_) => false,
            Self::Proc(node) => node.is_directory(),
            Self::Far(remote) => remote.is_directory(),
        }
    }

    /// The file system it is on.
    pub fn mount(&self) -> Mount {
        match self {
            Self::Archive(_) => Mount::Archive,
            Self::Tmp(_) | Self::Far(_) => Mount::Tmp,
            Self::DevDirectory | Self::Device(_) => Mount::Dev,
            Self::Proc(_) => Mount::Proc,
        }
    }

    /// Its attributes; of what is far, those that a listing shows.
    pub fn stat(&self) -> Stat {
        match self {
            Self::Archive(id) => archive_stat(archive().node(*id)),
            Self::Tmp(node) => tmp_stat(node),
            Self::DevDirectory => device::directory_stat(),
            Self::Device(device) => device.stat(),
            Self::Proc(node) => node.stat(),
            Self::Far(remote) => Stat {
                device: Mount::Tmp as u32,
                inode: 1,
                mode: remote.description.kind,
                ..Stat::default()
            },
        }
    }

    /// The target of a symbolic link, as readlink shows it; None for other nodes.
    pub fn link(&self) -> Option<Vec<u8>> {
        match self {
            Self::Archive(id) => match &archive().node(*id) {
                node if !node.is_link() => None,
                archive::Node {
                    content: archive::Content::Bytes(target),
                    ..
                } => Some(target.to_vec()),
                _ => None,
            },
            Self::Tmp(node) => match &node.content {
                tmp::Content::Link(target) => Some(target.clone()),
                _ => None,
            },
            Self::DevDirectory | Self::Far(_) => None,
            Self::Device(device) => device.link().map(<[u8]>::to_vec),
            Self::Proc(node) => node.link(),
        }
    }

    /// The directory that this directory is in; None once it was removed.
    pub fn parent(&self) -> Option<Self> {
        match self {
            Self::Archive(id) => Some(Self::Archive(archive().node(*id).parent)),
            Self::Tmp(node) if Arc::ptr_eq(node, local::tmp().root()) => Some(Self::root()),
            Self::Tmp(node) => node.parent().map(Self::Tmp),
            Self::DevDirectory | Self::Device(_) => Some(Self::root()),
            Self::Far(_) => None,
            Self::Proc(node) => Some(node.parent().map_or_else(Self::root, Self::Proc)),
        }
    }

    /// The absolute path of a directory; None once it was removed.
    pub fn path(&self) -> Option<Vec<u8>> {
        let mut names: Vec<Vec<u8>> = Vec::new();
        let mut at = self.clone();
        while !matches!(at, Self::Archive(ROOT)) {
            let parent = at.parent()?;
            names.push(parent.name_of(&at)?);
            at = parent;
        }
        let mut path = Vec::new();
        for name in names.iter().rev() {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        if path.is_empty() {
            path.push(b'/');
        }
        Some(path)
    }

    /// The name of `child`, a directory, in this directory.
    fn name_of(&self, child: &Self) -> Option<Vec<u8>> {
        match (self, child) {
            (Self::Archive(_), Self::Archive(id)) => Some(archive().node(*id).name.to_vec()),
            (Self::Archive(_), Self::Tmp(_) | Self::Far(_)) => Some(b"tmp".to_vec()),
            (Self::Archive(_), Self::DevDirectory) => Some(b"dev".to_vec()),
            (Self::Archive(_), Self::Proc(_)) => Some(b"proc".to_vec()),
            (Self::Tmp(parent), Self::Tmp(node)) => parent.name_of(node),
            (Self::Proc(_), Self::Proc(node)) => Some(node.name()),
            _ => None,
        }
    }

    /// The entry at or after `position` (0 and up, without `.` and `..`): where the listing goes on, the name, the node.
    pub fn list(&self, position: u64) -> Option<(u64, Vec<u8>, Self)> {
        match self {
            Self::Archive(id) => {
                let (name, child) = archive().names(*id).get(usize::try_from(position).ok()?)?;
                Some((
                    position + 1,
                    name.to_vec(),
                    mounted(*id, name).unwrap_or(Self::Archive(*child)),
                ))
            }
            Self::Tmp(node) => {
                let entry = node.list(position)?;
                Some((entry.next, entry.name, Self::Tmp(entry.node)))
            }
            Self::DevDirectory => {
                let (name, device) = device::list(position)?;
                Some((position + 1, name.to_vec(), Self::Device(device)))
            }
            Self::Device(_) | Self::Far(_) => None,
            Self::Proc(node) => {
                let (next, child) = proc::list(node, position)?;
                Some((next, child.name(), Self::Proc(child)))
            }
        }
    }
}

/// What is mounted on a name of the root directory.
fn mounted(directory: NodeId, name: &[u8]) -> Option<Node> {
    if directory != ROOT {
        return None;
    }
    match name {
        b"tmp" => Some(local::tmp_node()),
        b"dev" => Some(Node::DevDirectory),
        b"proc" => Some(Node::Proc(Proc::Root)),
        _ => None,
    }
}

/// Path resolution over the whole tree.
pub struct World;

impl walk::Tree for World {
    type Node = Node;

    fn root(&self) -> Node {
        Node::root()
    }

    fn child(&self, directory: &Node, name: &[u8]) -> Result<Node, FileError> {
        match directory {
            Node::Archive(id) => {
                let child = archive().child(*id, name).ok_or(FileError::NotFound)?;
                Ok(mounted(*id, name).unwrap_or(Node::Archive(child)))
            }
            Node::Tmp(node) => node.child(name).map(Node::Tmp),
            Node::DevDirectory => device::find(name)
                .map(Node::Device)
                .ok_or(FileError::NotFound),
            Node::Device(_) | Node::Far(_) => Err(FileError::NotDirectory),
            Node::Proc(node) => node.child(name).map(Node::Proc).ok_or(FileError::NotFound),
        }
    }

    fn parent(&self, directory: &Node) -> Result<Node, FileError> {
        directory.parent().ok_or(FileError::NotFound)
    }

    fn is_directory(&self, node: &Node) -> bool {
        node.is_directory()
    }

    fn link(&self, node: &Node) -> Result<Option<Vec<u8>>, FileError> {
        // The links of /proc/PID/fd lead to open files, not to paths: opening them is a matter of the call.
        Ok(if let Node::Proc(Proc::Descriptor(..)) = node {
            None
        } else {
            node.link()
        })
    }

    fn is_foreign(&self, node: &Node) -> bool {
        matches!(node, Node::Far(_))
    }
}

/// Path resolution for other tori: within `/tmp` alone, as everything else is theirs to find.
pub struct Home;

impl walk::Tree for Home {
    type Node = Node;

    fn root(&self) -> Node {
        World.root()
    }

    fn child(&self, directory: &Node, name: &[u8]) -> Result<Node, FileError> {
        World.child(directory, name)
    }

    fn parent(&self, directory: &Node) -> Result<Node, FileError> {
        World.parent(directory)
    }

    fn is_directory(&self, node: &Node) -> bool {
        World.is_directory(node)
    }

    fn link(&self, node: &Node) -> Result<Option<Vec<u8>>, FileError> {
        World.link(node)
    }

    fn is_foreign(&self, node: &Node) -> bool {
        !matches!(node, Node::Tmp(_))
    }
}

fn archive_stat(node: &archive::Node<'_>) -> Stat {
    let time = Time {
        seconds: node.mtime,
        nanos: 0,
    };
    Stat {
        device: Mount::Archive as u32,
        inode: node.inode,
        mode: node.mode,
        links: node.links,
        uid: node.uid,
        gid: node.gid,
        special: node.device,
        size: node.size(),
        stored: node.size().next_multiple_of(4096),
        atime: time,
        mtime: time,
        ctime: time,
    }
}

fn tmp_stat(node: &TmpNode) -> Stat {
    let attributes = node.attributes();
    let (size, stored) = match &node.content {
        tmp::Content::Directory => (40, 0),
        tmp::Content::File(content) => (Content::len(content), content.stored()),
        tmp::Content::Link(target) => (target.len() as u64, 0),
    };
    Stat {
        device: Mount::Tmp as u32,
        inode: node.number,
        mode: attributes.mode,
        links: node.links(),
        uid: attributes.uid,
        gid: attributes.gid,
        special: (0, 0),
        size,
        stored,
        atime: attributes.atime,
        mtime: attributes.mtime,
        ctime: attributes.ctime,
    }
}
