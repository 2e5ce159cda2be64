//! The archive below a writable tree.
//!
//! *Roles.* What nobody has changed is the archive's, and is not in memory a second time. A node of the archive that is to change is
//! [raised](Lower::raise) first: from then on a node of the writable tree stands for it, with the directories that it is in. As soon as
//! something of it changes it is *marked*. As long as a node is not marked, the archive says all about it: its name, the directory it is
//! in, its attributes, its names, its bytes. So whoever has the archive and sees the marks need not ask who has the writable tree.
//!
//! Hard links of the archive are one node: marks and raised nodes are those of the first of them.

use super::directory::Directory;
use super::node::State;
use super::{Attributes, Child, Content, Node};
use crate::archive::{self, NodeId, ROOT, S_IFLNK, S_IFMT};
use crate::error::FileError;
use crate::stat::Time;
use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};
use fallible::{TryMap, TryVec, collect, to_vec};
use spin::mutex::SpinMutex;
use spin::relax::RelaxStrategy;

/// A mark for each node of an archive. Written once for each node that changes, read by everybody.
#[derive(Debug)]
pub struct Marks(Vec<AtomicU64>);

impl Marks {
    /// None is marked, of so many nodes.
    ///
    /// # Errors
    /// [`FileError::NoMemory`].
    pub fn new(nodes: usize) -> Result<Self, FileError> {
        let words = nodes.div_ceil(64);
        Ok(Self(collect((0..words).map(|_| AtomicU64::new(0)))?))
    }

    /// Whether a node is marked.
    pub fn has(&self, id: NodeId) -> bool {
        let word = self.0.get(id.0 as usize / 64);
        word.is_some_and(|word| word.load(Ordering::Acquire) & bit(id) != 0)
    }

    /// Marks a node.
    pub fn set(&self, id: NodeId) {
        if !self.has(id)
            && let Some(word) = self.0.get(id.0 as usize / 64)
        {
            word.fetch_or(bit(id), Ordering::AcqRel);
        }
    }
}

fn bit(id: NodeId) -> u64 {
    1 << (id.0 % 64)
}

/// The archive that a writable tree lies over.
pub struct Lower<C: 'static, R: 'static> {
    /// The archive.
    pub tree: &'static archive::Tree<'static>,
    /// What of it has changed.
    pub marks: &'static Marks,
    /// What a raised file holds.
    content: fn(NodeId) -> Result<C, FileError>,
    device: u32,
    /// Nodes of the tree by those that they stand for.
    raised: SpinMutex<BTreeMap<NodeId, Arc<Node<C, R>>>, R>,
}

/// What of an archive a node stands for.
pub(super) struct Below<C: 'static, R: 'static> {
    pub(super) lower: &'static Lower<C, R>,
    pub(super) id: NodeId,
}

impl<C, R> Below<C, R> {
    pub(super) fn mark(&self) {
        self.lower.marks.set(self.id);
    }
}

impl<C, R: RelaxStrategy> Lower<C, R> {
    /// An archive, of which nothing is marked yet. `content` makes what a raised file holds.
    pub const fn new(
        tree: &'static archive::Tree<'static>,
        marks: &'static Marks,
        device: u32,
        content: fn(NodeId) -> Result<C, FileError>,
    ) -> Self {
        Self {
            tree,
            marks,
            content,
            device,
            raised: SpinMutex::new(BTreeMap::new()),
        }
    }

    /// The node that stands for one of the archive that has changed. None for one that has not, and for a file without names.
    pub fn changed(&self, id: NodeId) -> Option<Arc<Node<C, R>>> {
        let id = self.tree.node(id).first;
        if !self.marks.has(id) {
            return None;
        }
        self.raised.lock().get(&id).cloned()
    }

    pub(super) fn child(&self, id: NodeId) -> Child<C, R> {
        self.changed(id).map_or(Child::Archive(id), Child::Node)
    }

    /// The node that stands for one of the archive, made when there is none, with those of the directories that it is in.
    ///
    /// # Errors
    /// [`FileError::NoMemory`]; [`FileError::NotFound`] for a file that has no name any more.
    pub fn raise(&'static self, id: NodeId) -> Result<Arc<Node<C, R>>, FileError> {
        let id = self.tree.node(id).first;
        let mut missing = Vec::new();
        let mut at = id;
        let mut parent = loop {
            if let Some(node) = self.raised.lock().get(&at) {
                break Some(node.clone());
            }
            if self.marks.has(at) {
                return Err(FileError::NotFound);
            }
            missing.try_push(at)?;
            if at == ROOT {
                break None;
            }
            at = self.tree.node(at).parent;
        };
        while let Some(id) = missing.pop() {
            let made = self.stand_in(id, parent.as_ref())?;
            // Somebody else may have been faster.
            let mut raised = self.raised.lock();
            let node = match raised.get(&id) {
                Some(known) => known.clone(),
                None => {
                    raised.put(id, made.clone())?;
                    made
                }
            };
            parent = Some(node);
        }
        parent.ok_or(FileError::NotFound)
    }

    /// A file has no name any more: who has it open keeps it.
    pub(super) fn forget(&self, id: NodeId) {
        let gone = self.raised.lock().remove(&id);
        drop(gone);
    }

    /// Lets one of the nodes go.
    pub(super) fn take_raised(&self) -> Option<Arc<Node<C, R>>> {
        self.raised.lock().pop_first().map(|(_, node)| node)
    }

    fn stand_in(
        &'static self,
        id: NodeId,
        parent: Option<&Arc<Node<C, R>>>,
    ) -> Result<Arc<Node<C, R>>, FileError> {
        let node = self.tree.node(id);
        let content = match &node.content {
            archive::Content::Directory(_) => Content::Directory,
            archive::Content::Bytes(target) if node.mode & S_IFMT == S_IFLNK => {
                Content::Link(to_vec(target)?)
            }
            archive::Content::Bytes(_) => Content::File((self.content)(id)?),
        };
        let state = State {
            attributes: attributes(node),
            links: node.links,
            entries: Directory::over(self.tree.names(id).len() as u64),
            parent: parent.map_or_else(Weak::new, Arc::downgrade),
            position: None,
            gone: None,
        };
        let below = Below { lower: self, id };
        let name = (self.device, node.inode);
        Ok(Node::new(name, content, Some(below), state)?)
    }
}

/// The attributes of a node of an archive.
pub fn attributes(node: &archive::Node<'_>) -> Attributes {
    let time = Time {
        seconds: node.mtime,
        nanos: 0,
    };
    Attributes {
        mode: node.mode,
        uid: node.uid,
        gid: node.gid,
        atime: time,
        mtime: time,
        ctime: time,
    }
}
