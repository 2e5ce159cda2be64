//! Nodes of the tree: what each holds, and what can be asked of one alone.

use super::directory::Directory;
use super::{Attributes, Content};
use crate::archive::S_IFMT;
use crate::error::FileError;
use crate::stat::Time;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use spin::mutex::SpinMutex;
use spin::relax::RelaxStrategy;

/// A file, directory or symbolic link.
pub struct Node<C, R> {
    /// Inode number.
    pub number: u64,
    /// What it holds.
    pub content: Content<C>,
    pub(super) state: SpinMutex<State<C, R>, R>,
}

pub(super) struct State<C, R> {
    pub(super) attributes: Attributes,
    /// Names of it; a directory has 2 and one per sub-directory, 0 once removed.
    pub(super) links: u32,
    pub(super) entries: Directory<Arc<Node<C, R>>>,
    /// Of a directory: the one it is in; dangling for the root.
    pub(super) parent: Weak<Node<C, R>>,
}

/// An entry of a directory, as a listing shows it.
pub struct Listed<C, R> {
    /// Where the listing goes on after it.
    pub next: u64,
    /// The name.
    pub name: Vec<u8>,
    /// The node.
    pub node: Arc<Node<C, R>>,
}

impl<C, R: RelaxStrategy> Node<C, R> {
    pub(super) fn new(
        number: u64,
        attributes: Attributes,
        content: Content<C>,
        parent: Weak<Self>,
    ) -> Arc<Self> {
        let links = if matches!(content, Content::Directory) {
            2
        } else {
            1
        };
        let state = State {
            attributes,
            links,
            entries: Directory::new(),
            parent,
        };
        Arc::new(Self {
            number,
            content,
            state: SpinMutex::new(state),
        })
    }

    /// Its attributes.
    pub fn attributes(&self) -> Attributes {
        self.state.lock().attributes
    }

    /// How many names it has.
    pub fn links(&self) -> u32 {
        self.state.lock().links
    }

    /// Changes its attributes; the type bits stay.
    pub fn change(&self, change: impl FnOnce(&mut Attributes)) {
        let attributes = &mut self.state.lock().attributes;
        let kind = attributes.mode & S_IFMT;
        change(attributes);
        attributes.mode = attributes.mode & !S_IFMT | kind;
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        matches!(self.content, Content::Directory)
    }

    /// The directory that this directory is in: None for the root and for a removed directory.
    pub fn parent(&self) -> Option<Arc<Self>> {
        self.state.lock().parent.upgrade()
    }

    /// The node of this name in this directory.
    pub fn child(&self, name: &[u8]) -> Result<Arc<Self>, FileError> {
        if !self.is_directory() {
            return Err(FileError::NotDirectory);
        }
        self.state
            .lock()
            .entries
            .get(name)
            .cloned()
            .ok_or(FileError::NotFound)
    }

    /// The name of `child` in this directory.
    pub fn name_of(&self, child: &Self) -> Option<Vec<u8>> {
        let state = self.state.lock();
        state
            .entries
            .iter_from(0)
            .find(|entry| entry.node.number == child.number)
            .map(|entry| entry.name.to_vec())
    }

    /// The first entry at or after `position` (0 is the start).
    pub fn list(&self, position: u64) -> Option<Listed<C, R>> {
        let state = self.state.lock();
        let entry = state.entries.iter_from(position).next()?;
        Some(Listed {
            next: entry.position + 1,
            name: entry.name.to_vec(),
            node: entry.node.clone(),
        })
    }

    pub(super) fn touch(&self, now: Time) {
        let attributes = &mut self.state.lock().attributes;
        attributes.mtime = now;
        attributes.ctime = now;
    }

    pub(super) fn count_link(&self, up: bool, now: Time) {
        let mut state = self.state.lock();
        state.links = if up {
            state.links + 1
        } else {
            state.links.saturating_sub(1)
        };
        state.attributes.ctime = now;
    }
}
