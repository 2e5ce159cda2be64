//! A writable tree in memory: names, links and attributes. What a file holds is the user's type `C`. It may lie over an archive
//! ([`Lower`]), which then shows where nothing has been changed.
//!
//! Each change of a name carries the identity of the process that asks, and [`permission`] decides whether it may.
//!
//! A node lives as long as it has a name or an open file: both are references to it. Each node has a lock of its own, held only
//! for a few lines and never two at once; changes of names exclude each other by one more lock of the whole tree.

mod directory;
mod lower;
mod node;

pub use lower::{Lower, Marks, attributes as attributes_below};
pub use node::{Listed, Node};

use crate::archive::{NodeId, ROOT, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG};
use crate::credentials::Identity;
use crate::error::FileError;
use crate::permission::{self, Access};
use crate::stat::Time;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};
use directory::Directory;
use fallible::{NoMemory, reserve, to_vec};
use node::{Gone, State};
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

/// What a directory has by a name.
pub enum Child<C: 'static, R: 'static> {
    /// A node of the tree.
    Node(Arc<Node<C, R>>),
    /// A node of the archive below it, which has not been changed.
    Archive(NodeId),
}

/// Nodes of maps that a rename makes at most, and the size of one: an entry by name and by position, and one that is hidden.
const BLOCKS: usize = 32;
const BLOCK: usize = 640;

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
        let node = self.make(attributes, Content::File(content), Weak::new())?;
        let mut state = node.alter();
        state.links = 0;
        state.gone = shown.map(|name| Gone {
            directory: Weak::new(),
            name,
        });
        drop(state);
        Ok(node)
    }

    /// Makes a node and gives it a name. Its owner and group are those of `who` and of the directory.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn create(
        &self,
        who: &Identity,
        (directory, name): Name<'_, C, R>,
        attributes: Attributes,
        content: Content<C>,
    ) -> Result<Arc<Node<C, R>>, FileError> {
        let _changes = self.changes.lock();
        Self::check_vacant(directory, name)?;
        permission::check_add(who, directory.guard())?;
        let is_directory = matches!(content, Content::Directory);
        let mode = attributes.mode & !S_IFMT | kind(&content);
        let new = permission::of_new(who, directory.guard(), mode);
        let attributes = Attributes {
            mode: new.mode,
            uid: new.uid,
            gid: new.gid,
            ..attributes
        };
        let node = self.make(attributes, content, Arc::downgrade(directory))?;
        directory.alter().entries.insert(name, node.clone())?;
        if is_directory {
            directory.count_link(true, attributes.ctime);
        }
        directory.touch(attributes.ctime);
        Ok(node)
    }

    /// Gives a node one more name.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn link(
        &self,
        who: &Identity,
        (directory, name): Name<'_, C, R>,
        node: &Arc<Node<C, R>>,
        now: Time,
    ) -> Result<(), FileError> {
        let _changes = self.changes.lock();
        Self::check_vacant(directory, name)?;
        permission::check_add(who, directory.guard())?;
        if node.is_directory() {
            return Err(FileError::NotPermitted);
        }
        if node.links() == 0 {
            return Err(FileError::NotFound);
        }
        directory.alter().entries.insert(name, node.clone())?;
        node.count_link(true, now);
        directory.touch(now);
        Ok(())
    }

    /// Takes a name away from a file or link.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn unlink(
        &self,
        who: &Identity,
        (directory, name): Name<'_, C, R>,
        now: Time,
    ) -> Result<(), FileError> {
        let _changes = self.changes.lock();
        let node = self.raised(directory.child(name)?)?;
        permission::check_remove(who, directory.guard(), node.guard())?;
        if node.is_directory() {
            return Err(FileError::IsDirectory);
        }
        self.leave((directory, name), &node, now)
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn rmdir(
        &self,
        who: &Identity,
        (directory, name): Name<'_, C, R>,
        now: Time,
    ) -> Result<(), FileError> {
        let _changes = self.changes.lock();
        let node = self.raised(directory.child(name)?)?;
        permission::check_remove(who, directory.guard(), node.guard())?;
        Self::removable_directory(&node)?;
        self.leave((directory, name), &node, now)
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
                    // What is not the archive's leaves nothing hidden behind.
                    let _ = self.leave((&at, &name), &node, now);
                }
                None => match at.parent() {
                    Some(parent) if !Arc::ptr_eq(&at, top) => at = parent,
                    _ => return,
                },
            }
        }
    }

    /// Moves a name. An existing target is replaced unless `keep` (RENAME_NOREPLACE).
    ///
    /// # Errors
    /// [`FileError`].
    pub fn rename(
        &self,
        who: &Identity,
        from: Name<'_, C, R>,
        to: Name<'_, C, R>,
        keep: bool,
        now: Time,
    ) -> Result<(), FileError> {
        let _changes = self.changes.lock();
        let node = self.raised(from.0.child(from.1)?)?;
        let old = match to.0.child(to.1) {
            Ok(_) if keep => return Err(FileError::Exists),
            Ok(old) => Some(self.raised(old)?),
            Err(FileError::NotFound) => None,
            Err(error) => return Err(error),
        };
        if node.is_directory() && Self::is_within(to.0, &node) {
            return Err(FileError::Invalid);
        }
        if let Some(old) = &old {
            if Arc::ptr_eq(old, &node) {
                return Ok(());
            }
            if Self::is_within(from.0, old) {
                return Err(FileError::NotEmpty);
            }
        }
        Self::check_move(who, from.0, to.0, &node, old.as_ref())?;
        // From here on nothing can fail.
        let _held = reserve(BLOCKS, BLOCKS * BLOCK + to.1.len())?;
        if let Some(old) = &old {
            self.leave(to, old, now)?;
        } else if to.0.links() == 0 {
            return Err(FileError::NotFound);
        }
        Self::take(from)?;
        to.0.alter().entries.insert(to.1, node.clone())?;
        if node.is_directory() {
            from.0.count_link(false, now);
            to.0.count_link(true, now);
        }
        node.alter().parent = Arc::downgrade(to.0);
        from.0.touch(now);
        to.0.touch(now);
        node.change(|attributes| attributes.ctime = now);
        Ok(())
    }

    /// Whether somebody may move a node from one directory to another, over an old one.
    fn check_move(
        who: &Identity,
        from: &Arc<Node<C, R>>,
        to: &Arc<Node<C, R>>,
        node: &Arc<Node<C, R>>,
        old: Option<&Arc<Node<C, R>>>,
    ) -> Result<(), FileError> {
        permission::check_remove(who, from.guard(), node.guard())?;
        match old {
            None => permission::check_add(who, to.guard())?,
            Some(old) => {
                permission::check_remove(who, to.guard(), old.guard())?;
                match (node.is_directory(), old.is_directory()) {
                    (true, false) => return Err(FileError::NotDirectory),
                    (false, true) => return Err(FileError::IsDirectory),
                    (true, true) | (false, false) => {}
                }
            }
        }
        // Its entry for the parent changes.
        if node.is_directory() && !Arc::ptr_eq(from, to) {
            permission::check(who, node.guard(), Access::WRITE)?;
        }
        match old {
            Some(old) if old.is_directory() => Self::removable_directory(old),
            _ => Ok(()),
        }
    }

    /// The node of a name, which is to change.
    fn raised(&self, child: Child<C, R>) -> Result<Arc<Node<C, R>>, FileError> {
        match child {
            Child::Node(node) => Ok(node),
            Child::Archive(id) => self.lower.ok_or(FileError::NotFound)?.raise(id),
        }
    }

    fn make(
        &self,
        attributes: Attributes,
        content: Content<C>,
        parent: Weak<Node<C, R>>,
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
            parent,
            gone: None,
        };
        Node::new((self.device, number), content, None, state)
    }

    /// Whether a directory takes a new name.
    fn check_vacant(directory: &Arc<Node<C, R>>, name: &[u8]) -> Result<(), FileError> {
        match directory.child(name) {
            Ok(_) => Err(FileError::Exists),
            Err(FileError::NotFound) if directory.links() > 0 => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Takes a name out of a directory.
    fn take((directory, name): Name<'_, C, R>) -> Result<(), FileError> {
        let lower = directory.lower(name);
        let mut state = directory.alter();
        match lower {
            Some((position, _)) if state.entries.remove(name).is_none() => {
                state.entries.hide(position)
            }
            Some(_) => Ok(()),
            None => {
                state.entries.remove(name);
                Ok(())
            }
        }
    }

    /// Takes the name of a node out of a directory; the node ends with its last name and reference.
    fn leave(
        &self,
        name: Name<'_, C, R>,
        node: &Arc<Node<C, R>>,
        now: Time,
    ) -> Result<(), FileError> {
        let directory = name.0;
        Self::take(name)?;
        // Without memory it is a file of no name that was.
        let gone = to_vec(name.1).ok().map(|name| Gone {
            directory: Arc::downgrade(directory),
            name,
        });
        if node.is_directory() {
            let mut state = node.alter();
            state.links = 0;
            state.parent = Weak::new();
            state.gone = gone;
            drop(state);
            directory.count_link(false, now);
        } else {
            node.count_link(false, now);
            if node.links() == 0 {
                node.alter().gone = gone;
            }
            if node.links() == 0
                && let (Some(lower), Some(id)) = (self.lower, node.archive())
            {
                lower.forget(id);
            }
        }
        directory.touch(now);
        Ok(())
    }

    fn removable_directory(node: &Arc<Node<C, R>>) -> Result<(), FileError> {
        if !node.is_directory() {
            return Err(FileError::NotDirectory);
        }
        if node.is_empty() {
            Ok(())
        } else {
            Err(FileError::NotEmpty)
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
