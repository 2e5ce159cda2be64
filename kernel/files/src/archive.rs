//! The read-only tree of the boot archive: cpio in its "newc" form (cpio(5); the form of Linux's initramfs).
//!
//! Parsed by hand, and not by a crate: the known readers end silently at the first damaged header, and a damaged
//! archive has to be told from a short one.

mod roots;

use alloc::vec::Vec;
use braid_firmware::newc::{Entries, Entry, NewcError};
use fallible::{NoMemory, TryVec, to_vec, with_capacity};
pub use roots::{MAGIC as ROOTS_MAGIC, NAME as ROOTS_NAME, Roots};
use thiserror::Error;

/// Type bits of a mode (inode(7)).
pub const S_IFMT: u32 = 0o170_000;
/// A directory.
pub const S_IFDIR: u32 = 0o040_000;
/// A regular file.
pub const S_IFREG: u32 = 0o100_000;
/// A symbolic link.
pub const S_IFLNK: u32 = 0o120_000;

/// What is wrong with an archive. Offsets are bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ArchiveError {
    /// It is no archive, or not a whole one.
    #[error(transparent)]
    Newc(#[from] NewcError),
    /// A name that leaves the tree through `..`.
    #[error("the boot archive is damaged: bad name in the header at offset {0}")]
    BadName(usize),
    /// A path that goes through something that is not a directory.
    #[error("the boot archive is damaged: the entry at offset {0} lies below a file")]
    BelowFile(usize),
    /// A table of page roots that contradicts itself or the files.
    #[error("the boot archive is damaged: the page roots at offset {0} do not fit its files")]
    BadRoots(usize),
    /// More entries than memory.
    #[error("no memory for the tree of the boot archive")]
    NoMemory,
}

/// The number of a node in its tree. The root is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// The root of every tree.
pub const ROOT: NodeId = NodeId(0);

/// What a node holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// Names and their nodes, sorted by name.
    Directory(Vec<(&'a [u8], NodeId)>),
    /// The bytes of a file, or the target of a symbolic link; empty for other types.
    Bytes(&'a [u8]),
}

impl From<NoMemory> for ArchiveError {
    fn from(_: NoMemory) -> Self {
        Self::NoMemory
    }
}

impl Content<'_> {
    fn try_clone(&self) -> Result<Self, ArchiveError> {
        Ok(match self {
            Content::Bytes(bytes) => Content::Bytes(bytes),
            Content::Directory(names) => Content::Directory(to_vec(names)?),
        })
    }
}

/// A file, directory or link.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    /// Its (last) name; empty for the root.
    pub name: &'a [u8],
    /// The directory it is in; the root's is itself.
    pub parent: NodeId,
    /// Type and permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Names of it (directories: 2 and one per sub-directory).
    pub links: u32,
    /// Modification time, seconds since 1970.
    pub mtime: u64,
    /// Device number (major, minor) of a device node.
    pub device: (u32, u32),
    /// Inode number: equal for hard links.
    pub inode: u64,
    /// The first of its hard links; itself when it is alone.
    pub first: NodeId,
    /// What it holds.
    pub content: Content<'a>,
    /// The roots of a regular file's pages, where the archive has them.
    pub roots: Option<Roots<'a>>,
}

impl Node<'_> {
    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        matches!(self.content, Content::Directory(_))
    }

    /// Whether it is a symbolic link.
    pub fn is_link(&self) -> bool {
        self.mode & S_IFMT == S_IFLNK
    }

    /// Length in bytes; 0 for directories.
    pub fn size(&self) -> u64 {
        match self.content {
            Content::Directory(_) => 0,
            Content::Bytes(bytes) => bytes.len() as u64,
        }
    }
}

/// The tree. Immutable once parsed.
#[derive(Debug)]
pub struct Tree<'a> {
    nodes: Vec<Node<'a>>,
}

impl<'a> Tree<'a> {
    /// Parses an archive. Directories that are only implied by paths are made, as are those in `required` (mount points).
    pub fn parse(bytes: &'a [u8], required: &[&'a [u8]]) -> Result<Self, ArchiveError> {
        let mut tree = Self { nodes: Vec::new() };
        tree.push(Node::implied(b"", ROOT, ROOT))?;
        let mut links = Links::default();
        let mut roots = None;
        for entry in Entries::new(bytes) {
            let entry = entry?;
            if entry.path == roots::NAME {
                roots = Some(roots::Table::parse(&entry)?);
                continue;
            }
            let node = tree.place(&entry)?;
            links.note(&entry, node)?;
        }
        links.join(&mut tree);
        if let Some(table) = roots {
            tree.give_roots(bytes, &table)?;
        }
        for name in required {
            if tree.child(ROOT, name).is_none() {
                tree.add(ROOT, name)?;
            }
        }
        tree.count_directories();
        Ok(tree)
    }

    /// A copy of the tree: nodes and names, not the bytes of files.
    pub fn try_clone(&self) -> Result<Self, ArchiveError> {
        let mut nodes = with_capacity(self.nodes.len())?;
        for node in &self.nodes {
            nodes.try_push(Node {
                content: node.content.try_clone()?,
                ..*node
            })?;
        }
        Ok(Self { nodes })
    }

    /// The node of this number.
    ///
    /// # Panics
    /// For a number that is not of this tree.
    pub fn node(&self, id: NodeId) -> &Node<'a> {
        &self.nodes[id.0 as usize]
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: there is always the root.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The node called `name` in directory `id`.
    pub fn child(&self, id: NodeId, name: &[u8]) -> Option<NodeId> {
        self.position(id, name).map(|(_, child)| child)
    }

    /// The node called `name` in directory `id`, after its position among the names there.
    pub fn position(&self, id: NodeId, name: &[u8]) -> Option<(u64, NodeId)> {
        let names = self.names(id);
        let at = names.binary_search_by(|(n, _)| (*n).cmp(name)).ok()?;
        Some((at as u64, names[at].1))
    }

    /// The names in directory `id`, sorted; none for other nodes.
    pub fn names(&self, id: NodeId) -> &[(&'a [u8], NodeId)] {
        match &self.node(id).content {
            Content::Directory(names) => names,
            Content::Bytes(_) => &[],
        }
    }

    /// Puts one entry at its path. A later entry of the same path replaces an earlier one, as when unpacking.
    fn place(&mut self, entry: &Entry<'a>) -> Result<NodeId, ArchiveError> {
        let mut at = ROOT;
        for name in entry.path.split(|&b| b == b'/') {
            if name.is_empty() || name == b"." {
                continue;
            }
            if name == b".." {
                return Err(ArchiveError::BadName(entry.offset));
            }
            if !self.node(at).is_directory() {
                return Err(ArchiveError::BelowFile(entry.offset));
            }
            at = match self.child(at, name) {
                Some(child) => child,
                None => self.add(at, name)?,
            };
        }
        self.fill(at, entry)?;
        Ok(at)
    }

    /// Gives a node the attributes and content of its entry.
    fn fill(&mut self, id: NodeId, entry: &Entry<'a>) -> Result<(), ArchiveError> {
        let node = &mut self.nodes[id.0 as usize];
        let directory = entry.mode & S_IFMT == S_IFDIR;
        if !directory {
            if matches!(&node.content, Content::Directory(names) if !names.is_empty()) || id == ROOT
            {
                return Err(ArchiveError::BelowFile(entry.offset));
            }
            node.content = Content::Bytes(entry.data);
        } else if !node.is_directory() {
            node.content = Content::Directory(Vec::new());
        }
        node.mode = entry.mode;
        node.uid = entry.uid;
        node.gid = entry.gid;
        node.mtime = u64::from(entry.mtime);
        node.device = entry.device;
        Ok(())
    }

    /// Makes an implied directory.
    fn add(&mut self, parent: NodeId, name: &'a [u8]) -> Result<NodeId, ArchiveError> {
        let id = NodeId(u32::try_from(self.nodes.len()).map_err(|_| ArchiveError::NoMemory)?);
        let Content::Directory(names) = &mut self.nodes[parent.0 as usize].content else {
            return Ok(parent);
        };
        let at = names.partition_point(|(n, _)| *n < name);
        names.try_insert_at(at, (name, id))?;
        self.push(Node::implied(name, parent, id))?;
        Ok(id)
    }

    /// Gives files their roots. Each record names a file, and all of it.
    fn give_roots(&mut self, bytes: &[u8], table: &roots::Table<'a>) -> Result<(), ArchiveError> {
        let mut files = with_capacity(self.nodes.len())?;
        for (id, node) in self.nodes.iter().enumerate() {
            if let Content::Bytes(data) = node.content
                && node.mode & S_IFMT == S_IFREG
            {
                let offset = data.as_ptr().addr() - bytes.as_ptr().addr();
                files.try_push((offset as u64, data.len() as u64, id))?;
            }
        }
        files.sort_unstable();
        let mut fits = true;
        table.for_each(|offset, length, roots| {
            let first = files.partition_point(|(at, len, _)| (*at, *len) < (offset, length));
            let named = files[first..].iter();
            let named = named.take_while(|(at, len, _)| (*at, *len) == (offset, length));
            let mut found = false;
            for (_, _, id) in named {
                self.nodes[*id].roots = Some(roots);
                found = true;
            }
            fits &= found;
        });
        if fits { Ok(()) } else { Err(table.misfit()) }
    }

    /// Does without the roots of a file: they were found to be wrong.
    pub fn forget_roots(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(id.0 as usize) {
            node.roots = None;
        }
    }

    fn push(&mut self, node: Node<'a>) -> Result<(), ArchiveError> {
        Ok(self.nodes.try_push(node)?)
    }

    fn count_directories(&mut self) {
        for index in 1..self.nodes.len() {
            if self.nodes[index].is_directory() {
                self.nodes[index].links += 1;
                let parent = self.nodes[index].parent;
                self.nodes[parent.0 as usize].links += 1;
            }
        }
        self.nodes[0].links += 1;
    }
}

impl<'a> Node<'a> {
    fn implied(name: &'a [u8], parent: NodeId, id: NodeId) -> Self {
        Self {
            name,
            parent,
            mode: S_IFDIR | 0o755,
            uid: 0,
            gid: 0,
            links: 1,
            mtime: 0,
            device: (0, 0),
            inode: u64::from(id.0) + 1,
            first: id,
            content: Content::Directory(Vec::new()),
            roots: None,
        }
    }
}

/// Hard links: entries with the same device and inode number, of which only the last carries the data.
#[derive(Default)]
struct Links {
    seen: Vec<((u32, u32, u32), NodeId)>,
}

impl Links {
    fn note(&mut self, entry: &Entry<'_>, node: NodeId) -> Result<(), ArchiveError> {
        if entry.links > 1 && entry.mode & S_IFMT == S_IFREG {
            self.seen.try_push((entry.identity, node))?;
        }
        Ok(())
    }

    fn join(mut self, tree: &mut Tree<'_>) {
        self.seen.sort();
        self.seen.dedup();
        for group in self.seen.chunk_by(|a, b| a.0 == b.0) {
            let first = group[0].1;
            let full = group
                .iter()
                .map(|(_, id)| tree.node(*id))
                .max_by_key(|node| node.size());
            let Some((content, inode)) =
                full.map(|node| (node.content.clone(), tree.node(first).inode))
            else {
                continue;
            };
            for (_, id) in group {
                let node = &mut tree.nodes[id.0 as usize];
                node.content = content.clone();
                node.inode = inode;
                node.first = first;
                node.links = group.len() as u32;
            }
        }
    }
}

#[cfg(test)]
mod tests;
