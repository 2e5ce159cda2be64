//! A writable tree in memory: names, links and attributes. What a file holds is the user's type `C`. It may lie over an archive
//! ([`Lower`]), which then shows where nothing has been changed.
//!
//! Each change of a name carries the identity of the process that asks, and [`permission`](crate::permission) decides whether it may.
//!
//! A node lives as long as it has a name or an open file: both are references to it. Each node has a lock of its own, held only
//! for a few lines and never two at once; changes of names exclude each other by one more lock of the whole tree.

mod change;
mod directory;
mod lower;
mod node;
mod rename;

pub use lower::{Lower, Marks, attributes as attributes_below};
pub use node::{Listed, Node};

use crate::archive::{NodeId, ROOT, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG};
use crate::error::FileError;
use crate::stat::Time;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};
use directory::Directory;
use fallible::NoMemory;
use node::{Gone, State};
use spin::mutex::SpinMutex;
use spin::relax::RelaxStrategy;

/// Type, owner, rights and times of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Type and permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Last read.
    pub atime: Time,
    /// Last change of content.
    pub mtime: Time,
    /// Last change of attributes.
    pub ctime: Time,
}

/// What a node holds.
#[derive(Debug)]
pub enum Content<C> {
    /// Names.
    Directory,
    /// The user's content.
    File(C),
    /// The target of a symbolic link.
    Link(Vec<u8>),
}

/// What a directory has by a name.
pub enum Child<C: 'static, R: 'static> {
    /// A node of the tree.
    Node(Arc<Node<C, R>>),
    /// A node of the archive below it, which has not been changed.
    Archive(NodeId),
}

/// The tree.
pub struct Tmp<C: 'static, R: 'static> {
    root: Arc<Node<C, R>>,
    next_number: AtomicU64,
    changes: SpinMutex<(), R>,
    device: u32,
    lower: Option<&'static Lower<C, R>>,
}

/// A name: the directory that it is in, and what it is there.
type Name<'a, C, R> = (&'a Arc<Node<C, R>>, &'a [u8]);

impl<C, R: RelaxStrategy> Tmp<C, R> {
    /// An empty tree on the file system of number `device`, whose inode numbers begin above `base`.
    ///
    /// # Errors
    /// [`NoMemory`].
    pub fn new(device: u32, root: Attributes, base: u64) -> Result<Self, NoMemory> {
        let attributes = Attributes {
            mode: root.mode & !S_IFMT | S_IFDIR,
            ..root
        };
        let state = State {
            attributes,
            links: 2,
            entries: Directory::over(0),
            parent: Weak::new(),
            position: None,
            gone: None,
        };
        Ok(Self {
            root: Node::new((device, base + 1), Content::Directory, None, state)?,
            next_number: AtomicU64::new(base + 2),
            changes: SpinMutex::new(()),
            device,
            lower: None,
        })
    }

    /// A tree over an archive, on the file system of number `device`. Inode numbers of what is made begin above `base`.
    ///
    /// # Errors
    /// [`FileError::NoMemory`].
    pub fn over(device: u32, lower: &'static Lower<C, R>, base: u64) -> Result<Self, FileError> {
        Ok(Self {
            root: lower.raise(ROOT)?,
            next_number: AtomicU64::new(base + 1),
            changes: SpinMutex::new(()),
            device,
            lower: Some(lower),
        })
    }

    /// The root directory.
    pub fn root(&self) -> &Arc<Node<C, R>> {
        &self.root
    }

    /// The archive that it lies over.
    pub fn lower(&self) -> Option<&'static Lower<C, R>> {
        self.lower
    }

    /// A node without a name: a file that nobody else can open.
    ///
    /// # Errors
    /// [`NoMemory`].
    pub fn nameless(
        &self,
        attributes: Attributes,
        content: C,
        shown: Option<Vec<u8>>,
    ) -> Result<Arc<Node<C, R>>, NoMemory> {
        let node = self.make(attributes, Content::File(content))?;
        let mut state = node.alter();
        state.links = 0;
        state.gone = shown.map(|name| Gone {
            directory: Weak::new(),
            name,
        });
        drop(state);
        Ok(node)
    }

    /// Removes everything that is not the archive's, and what the root remembers of names that it has no longer: nobody looks at the
    /// tree again.
    pub fn clear(&self, now: Time) {
        self.clear_below(&self.root, now);
        while let Some(raised) = self.lower.and_then(Lower::take_raised) {
            self.clear_below(&raised, now);
        }
        self.root.forget_hidden();
    }

    /// Removes everything of a directory, however deep, that is not the archive's.
    fn clear_below(&self, top: &Arc<Node<C, R>>, now: Time) {
        let mut at = top.clone();
        loop {
            match at.first_own() {
                Some((_, node)) if node.first_own().is_some() => at = node,
                Some((name, node)) => {
                    // A node that is not the archive's leaves nothing hidden behind.
                    let _ = self.leave((&at, &name), &node, now);
                }
                None => match at.parent() {
                    Some(parent) if !Arc::ptr_eq(&at, top) => at = parent,
                    _ => return,
                },
            }
        }
    }

    fn make(
        &self,
        attributes: Attributes,
        content: Content<C>,
    ) -> Result<Arc<Node<C, R>>, NoMemory> {
        let attributes = Attributes {
            mode: attributes.mode & !S_IFMT | kind(&content),
            ..attributes
        };
        let links = if matches!(content, Content::Directory) {
            2
        } else {
            1
        };
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let state = State {
            attributes,
            links,
            entries: Directory::over(0),
            parent: Weak::new(),
            position: None,
            gone: None,
        };
        Node::new((self.device, number), content, None, state)
    }
}

/// Type bits of what holds this.
fn kind<C>(content: &Content<C>) -> u32 {
    match content {
        Content::Directory => S_IFDIR,
        Content::File(_) => S_IFREG,
        Content::Link(_) => S_IFLNK,
    }
}

#[cfg(test)]
mod tests;
