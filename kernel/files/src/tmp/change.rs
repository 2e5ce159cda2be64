//! Names that come and go: create, link, unlink, rmdir.

use super::node::Gone;
use super::{Attributes, Child, Content, Name, Node, Tmp, kind, lower};
use crate::archive::S_IFMT;
use crate::credentials::Identity;
use crate::error::FileError;
use crate::permission::{self, Guard};
use crate::stat::Time;
use alloc::sync::{Arc, Weak};
use fallible::to_vec;
use spin::relax::RelaxStrategy;

impl<C, R: RelaxStrategy> Tmp<C, R> {
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
        let node = self.make(attributes, content)?;
        let position = directory.alter().entries.insert(name, node.clone())?;
        node.set_name(directory, position);
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

    /// What has a name that `who` may take away.
    fn to_remove(
        &self,
        who: &Identity,
        (directory, name): Name<'_, C, R>,
    ) -> Result<Arc<Node<C, R>>, FileError> {
        let child = directory.child(name)?;
        let guard = self.guard(&child)?;
        permission::check_remove(who, directory.guard(), guard)?;
        self.raised(child)
    }

    /// What says who may use what has a name; nothing is made of it for that.
    fn guard(&self, child: &Child<C, R>) -> Result<Guard, FileError> {
        match child {
            Child::Node(node) => Ok(node.guard()),
            Child::Archive(id) => {
                let lower = self.lower.ok_or(FileError::NotFound)?;
                Ok(Guard::from(&lower::attributes(lower.tree.node(*id))))
            }
        }
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
        let node = self.to_remove(who, (directory, name))?;
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
        let node = self.to_remove(who, (directory, name))?;
        Self::removable_directory(&node)?;
        self.leave((directory, name), &node, now)
    }

    /// The node of a name, which is to change.
    pub(super) fn raised(&self, child: Child<C, R>) -> Result<Arc<Node<C, R>>, FileError> {
        match child {
            Child::Node(node) => Ok(node),
            Child::Archive(id) => self.lower.ok_or(FileError::NotFound)?.raise(id),
        }
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
    pub(super) fn take((directory, name): Name<'_, C, R>) -> Result<(), FileError> {
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
    pub(super) fn leave(
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

    pub(super) fn removable_directory(node: &Arc<Node<C, R>>) -> Result<(), FileError> {
        if !node.is_directory() {
            return Err(FileError::NotDirectory);
        }
        if node.is_empty() {
            Ok(())
        } else {
            Err(FileError::NotEmpty)
        }
    }
}
