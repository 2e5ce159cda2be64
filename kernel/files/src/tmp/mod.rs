//! A writable tree in memory: names, links and attributes. What a file holds is the user's type `C`.
//!
//! A node lives as long as it has a name or an open file: both are references to it. Each node has a lock of its own, held only
//! for a few lines and never two at once; changes of names exclude each other by one more lock of the whole tree.

mod directory;
mod node;

pub use node::{Listed, Node};

use crate::archive::{S_IFDIR, S_IFLNK, S_IFMT, S_IFREG};
use crate::error::FileError;
use crate::stat::Time;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};
use spin::mutex::SpinMutex;
use spin::relax::RelaxStrategy;

/// Who may do what with a node, and when things were done with it.
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

/// The tree.
pub struct Tmp<C, R> {
    root: Arc<Node<C, R>>,
    next_number: AtomicU64,
    changes: SpinMutex<(), R>,
}

impl<C, R: RelaxStrategy> Tmp<C, R> {
    /// An empty tree, whose inode numbers begin above `base`.
    pub fn new(root: Attributes, base: u64) -> Self {
        let root = Attributes {
            mode: root.mode & !S_IFMT | S_IFDIR,
            ..root
        };
        Self {
            root: Node::new(base + 1, root, Content::Directory, Weak::new()),
            next_number: AtomicU64::new(base + 2),
            changes: SpinMutex::new(()),
        }
    }

    /// The root directory.
    pub fn root(&self) -> &Arc<Node<C, R>> {
        &self.root
    }

    /// A node without a name: a file that nobody else can open.
    pub fn nameless(&self, attributes: Attributes, content: C) -> Arc<Node<C, R>> {
        let node = self.make(attributes, Content::File(content), Weak::new());
        node.state.lock().links = 0;
        node
    }

    /// Makes a node and gives it a name.
    pub fn create(
        &self,
        directory: &Arc<Node<C, R>>,
        name: &[u8],
        attributes: Attributes,
        content: Content<C>,
    ) -> Result<Arc<Node<C, R>>, FileError> {
        let _changes = self.changes.lock();
        let is_directory = matches!(content, Content::Directory);
        let node = self.make(attributes, content, Arc::downgrade(directory));
        Self::enter(directory, name, &node)?;
        if is_directory {
            directory.count_link(true, attributes.ctime);
        }
        directory.touch(attributes.ctime);
        Ok(node)
    }

    /// Gives a node one more name.
    pub fn link(
        &self,
        directory: &Arc<Node<C, R>>,
        name: &[u8],
        node: &Arc<Node<C, R>>,
        now: Time,
    ) -> Result<(), FileError> {
        let _changes = self.changes.lock();
        if node.is_directory() {
            return Err(FileError::NotPermitted);
        }
        if node.links() == 0 {
            return Err(FileError::NotFound);
        }
        Self::enter(directory, name, node)?;
        node.count_link(true, now);
        directory.touch(now);
        Ok(())
    }

    /// Takes a name away from a file or link.
    pub fn unlink(
        &self,
        directory: &Arc<Node<C, R>>,
        name: &[u8],
        now: Time,
    ) -> Result<(), FileError> {
        let _changes = self.changes.lock();
        let node = directory.child(name)?;
        if node.is_directory() {
            return Err(FileError::IsDirectory);
        }
        Self::leave(directory, name, &node, now);
        Ok(())
    }

    /// Removes an empty directory.
    pub fn rmdir(
        &self,
        directory: &Arc<Node<C, R>>,
        name: &[u8],
        now: Time,
    ) -> Result<(), FileError> {
        let _changes = self.changes.lock();
        let node = directory.child(name)?;
        Self::removable_directory(&node)?;
        Self::leave(directory, name, &node, now);
        Ok(())
    }

    /// Removes everything.
    pub fn clear(&self, now: Time) -> Result<(), FileError> {
        let mut at = self.root.clone();
        loop {
            match at.list(0) {
                Some(entry) if !entry.node.is_directory() => self.unlink(&at, &entry.name, now)?,
                Some(entry) if entry.node.list(0).is_some() => at = entry.node,
                Some(entry) => self.rmdir(&at, &entry.name, now)?,
                None => match at.parent() {
                    Some(parent) => at = parent,
                    None => return Ok(()),
                },
            }
        }
    }

    /// Moves a name. An existing target is replaced unless `keep` (RENAME_NOREPLACE).
    pub fn rename(
        &self,
        from: (&Arc<Node<C, R>>, &[u8]),
        to: (&Arc<Node<C, R>>, &[u8]),
        keep: bool,
        now: Time,
    ) -> Result<(), FileError> {
        let _changes = self.changes.lock();
        let node = from.0.child(from.1)?;
        if node.is_directory() && Self::is_within(to.0, &node) {
            return Err(FileError::Invalid);
        }
        match to.0.child(to.1) {
            Ok(_) if keep => return Err(FileError::Exists),
            Ok(old) if Arc::ptr_eq(&old, &node) => return Ok(()),
            Ok(old) => {
                match (node.is_directory(), old.is_directory()) {
                    (true, false) => return Err(FileError::NotDirectory),
                    (false, true) => return Err(FileError::IsDirectory),
                    (true, true) => Self::removable_directory(&old)?,
                    (false, false) => {}
                }
                Self::leave(to.0, to.1, &old, now);
            }
            Err(FileError::NotFound) => {}
            Err(error) => return Err(error),
        }
        Self::enter(to.0, to.1, &node)?;
        from.0.state.lock().entries.remove(from.1);
        if node.is_directory() {
            from.0.count_link(false, now);
            to.0.count_link(true, now);
            node.state.lock().parent = Arc::downgrade(to.0);
        }
        from.0.touch(now);
        to.0.touch(now);
        node.state.lock().attributes.ctime = now;
        Ok(())
    }

    fn make(
        &self,
        attributes: Attributes,
        content: Content<C>,
        parent: Weak<Node<C, R>>,
    ) -> Arc<Node<C, R>> {
        let kind = match content {
            Content::Directory => S_IFDIR,
            Content::File(_) => S_IFREG,
            Content::Link(_) => S_IFLNK,
        };
        let attributes = Attributes {
            mode: attributes.mode & !S_IFMT | kind,
            ..attributes
        };
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        Node::new(number, attributes, content, parent)
    }

    fn enter(
        directory: &Arc<Node<C, R>>,
        name: &[u8],
        node: &Arc<Node<C, R>>,
    ) -> Result<(), FileError> {
        if !directory.is_directory() {
            return Err(FileError::NotDirectory);
        }
        let mut state = directory.state.lock();
        if state.links == 0 {
            return Err(FileError::NotFound);
        }
        state.entries.insert(name, node.clone())
    }

    /// Takes `name` out of `directory`; the node ends with its last name and reference.
    fn leave(directory: &Arc<Node<C, R>>, name: &[u8], node: &Arc<Node<C, R>>, now: Time) {
        directory.state.lock().entries.remove(name);
        if node.is_directory() {
            let mut state = node.state.lock();
            state.links = 0;
            state.parent = Weak::new();
            drop(state);
            directory.count_link(false, now);
        } else {
            node.count_link(false, now);
        }
        directory.touch(now);
    }

    fn removable_directory(node: &Arc<Node<C, R>>) -> Result<(), FileError> {
        if !node.is_directory() {
            return Err(FileError::NotDirectory);
        }
        if node.list(0).is_some() {
            Err(FileError::NotEmpty)
        } else {
            Ok(())
        }
    }

    /// Whether `directory` is `ancestor` or lies below it.
    fn is_within(directory: &Arc<Node<C, R>>, ancestor: &Arc<Node<C, R>>) -> bool {
        let mut at = Some(directory.clone());
        while let Some(node) = at {
            if Arc::ptr_eq(&node, ancestor) {
                return true;
            }
            at = node.parent();
        }
        false
    }
}

#[cfg(test)]
mod tests;
