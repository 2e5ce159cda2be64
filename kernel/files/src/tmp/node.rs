//! Nodes of the tree: what each holds, and what can be asked of one alone.

use super::directory::{Directory, Entry};
use super::lower::Below;
use super::{Attributes, Child, Content};
use crate::archive::S_IFMT;
use crate::error::FileError;
use crate::permission::Guard;
use crate::stat::Time;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use fallible::{NoMemory, to_vec};
use spin::mutex::{SpinMutex, SpinMutexGuard};
use spin::relax::RelaxStrategy;

/// A file, directory or symbolic link.
pub struct Node<C: 'static, R: 'static> {
    /// Inode number.
    pub number: u64,
    /// What it holds.
    pub content: Content<C>,
    /// The number of its file system.
    pub device: u32,
    /// What of an archive it stands for.
    pub(super) below: Option<Below<C, R>>,
    state: SpinMutex<State<C, R>, R>,
}

pub(super) struct State<C: 'static, R: 'static> {
    pub(super) attributes: Attributes,
    /// Names of it; a directory has 2 and one per sub-directory, 0 once removed.
    pub(super) links: u32,
    pub(super) entries: Directory<Arc<Node<C, R>>>,
    /// The directory that it is in, of a file with several names one of them; dangling for the root, and for a removed directory.
    pub(super) parent: Weak<Node<C, R>>,
    /// Where in that directory its name is, unless the archive has it there.
    pub(super) position: Option<u64>,
    /// Its last name, and where that was, once it has none.
    pub(super) gone: Option<Gone<C, R>>,
}

/// A name that was, and the directory it was in; dangling for what never had a name.
pub(super) struct Gone<C: 'static, R: 'static> {
    pub(super) directory: Weak<Node<C, R>>,
    pub(super) name: Vec<u8>,
}

/// An entry of a directory, as a listing shows it.
pub struct Listed<C: 'static, R: 'static> {
    /// Where the listing goes on after it.
    pub next: u64,
    /// The name.
    pub name: Vec<u8>,
    /// The node.
    pub node: Child<C, R>,
}

impl<C, R: RelaxStrategy> Node<C, R> {
    pub(super) fn new(
        (device, number): (u32, u64),
        content: Content<C>,
        below: Option<Below<C, R>>,
        state: State<C, R>,
    ) -> Result<Arc<Self>, NoMemory> {
        fallible::arc(Self {
            number,
            content,
            device,
            below,
            state: SpinMutex::new(state),
        })
    }

    /// Its state, to be looked at.
    pub(super) fn look(&self) -> SpinMutexGuard<'_, State<C, R>, R> {
        self.state.lock()
    }

    /// Its state, to be changed: from now on the archive does not say what it is.
    pub(super) fn alter(&self) -> SpinMutexGuard<'_, State<C, R>, R> {
        self.mark();
        self.state.lock()
    }

    /// From now on the archive does not say what it is.
    pub fn mark(&self) {
        if let Some(below) = &self.below {
            below.mark();
        }
    }

    /// The number of the archive's node that it stands for.
    pub fn archive(&self) -> Option<crate::archive::NodeId> {
        self.below.as_ref().map(|below| below.id)
    }

    /// Its attributes.
    pub fn attributes(&self) -> Attributes {
        self.look().attributes
    }

    /// What says who may use it.
    pub fn guard(&self) -> Guard {
        Guard::from(&self.look().attributes)
    }

    /// How many names it has.
    pub fn links(&self) -> u32 {
        self.look().links
    }

    /// Changes its attributes; the type bits stay.
    pub fn change(&self, change: impl FnOnce(&mut Attributes)) {
        let attributes = &mut self.alter().attributes;
        let kind = attributes.mode & S_IFMT;
        change(attributes);
        attributes.mode = attributes.mode & !S_IFMT | kind;
    }

    /// As [`Self::change`], where the change may be refused.
    ///
    /// # Errors
    /// The error of `change`; nothing is changed then.
    pub fn try_change(
        &self,
        change: impl FnOnce(&mut Attributes) -> Result<(), FileError>,
    ) -> Result<(), FileError> {
        let mut state = self.state.lock();
        let mut attributes = state.attributes;
        change(&mut attributes)?;
        if let Some(below) = &self.below {
            below.mark();
        }
        attributes.mode = attributes.mode & !S_IFMT | state.attributes.mode & S_IFMT;
        state.attributes = attributes;
        Ok(())
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        matches!(self.content, Content::Directory)
    }

    /// The last name of what has none, and the directory it was in; without one, if it never had a name. None without memory for the
    /// copy.
    pub fn gone(&self) -> Option<(Option<Arc<Self>>, Vec<u8>)> {
        let state = self.look();
        let gone = state.gone.as_ref()?;
        Some((gone.directory.upgrade(), to_vec(&gone.name).ok()?))
    }

    /// The directory that it is in: None for the root and for a removed directory.
    pub fn parent(&self) -> Option<Arc<Self>> {
        self.look().parent.upgrade()
    }

    /// What this directory has by this name.
    ///
    /// # Errors
    /// [`FileError::NotFound`], [`FileError::NotDirectory`].
    pub fn child(&self, name: &[u8]) -> Result<Child<C, R>, FileError> {
        if !self.is_directory() {
            return Err(FileError::NotDirectory);
        }
        let state = self.look();
        if let Some(node) = state.entries.get(name) {
            return Ok(Child::Node(node.clone()));
        }
        let (position, id) = self.lower(name).ok_or(FileError::NotFound)?;
        if !state.entries.shows(position) {
            return Err(FileError::NotFound);
        }
        drop(state);
        self.below
            .as_ref()
            .map(|below| below.lower.child(id))
            .ok_or(FileError::NotFound)
    }

    /// Position and node of this name in the archive's directory.
    pub(super) fn lower(&self, name: &[u8]) -> Option<(u64, crate::archive::NodeId)> {
        let below = self.below.as_ref()?;
        below.lower.tree.position(below.id, name)
    }

    /// It has got its name in `directory`, at this position.
    pub(super) fn set_name(&self, directory: &Arc<Self>, position: u64) {
        let mut state = self.alter();
        state.parent = Arc::downgrade(directory);
        state.position = Some(position);
    }

    /// The name of `child` in this directory.
    ///
    /// # Errors
    /// [`FileError::NotFound`] when it is not in it; [`FileError::NoMemory`].
    pub fn name_of(&self, child: &Self) -> Result<Vec<u8>, FileError> {
        let position = child.look().position;
        let state = self.look();
        let own = position.and_then(|position| state.entries.at(position));
        let is_child = |entry: &Entry<'_, Arc<Self>>| core::ptr::eq(&**entry.node, child);
        // A file whose first name has gone may have another one here.
        let mut all = (!child.is_directory()).then(|| state.entries.iter_from(0));
        let other = || all.as_mut()?.find(is_child);
        if let Some(entry) = own.filter(is_child).or_else(other) {
            return Ok(to_vec(entry.name)?);
        }
        drop(all);
        let name = child.archive().and_then(|id| {
            let name = self.below.as_ref()?.lower.tree.node(id).name;
            let (position, named) = self.lower(name)?;
            (named == id && state.entries.shows(position)).then_some(name)
        });
        Ok(to_vec(name.ok_or(FileError::NotFound)?)?)
    }

    /// The first entry at or after `position` (0 is the start).
    ///
    /// # Errors
    /// [`NoMemory`], for its name.
    pub fn list(&self, position: u64) -> Result<Option<Listed<C, R>>, NoMemory> {
        let state = self.look();
        if let Some(at) = state.entries.next_below(position) {
            drop(state);
            let Some(below) = &self.below else {
                return Ok(None);
            };
            let names = below.lower.tree.names(below.id);
            let named = usize::try_from(at).ok().and_then(|at| names.get(at));
            let Some((name, id)) = named else {
                return Ok(None);
            };
            return Ok(Some(Listed {
                next: at + 1,
                name: to_vec(name)?,
                node: below.lower.child(*id),
            }));
        }
        let Some(entry) = state.entries.iter_from(position).next() else {
            return Ok(None);
        };
        Ok(Some(Listed {
            next: entry.position + 1,
            name: to_vec(entry.name)?,
            node: Child::Node(entry.node.clone()),
        }))
    }

    /// The first entry that the archive has not.
    pub(super) fn first_own(&self) -> Option<(Arc<[u8]>, Arc<Self>)> {
        self.look().entries.first_own()
    }

    /// Forgets which of the archive's names are hidden.
    pub(super) fn forget_hidden(&self) {
        let hidden = self.alter().entries.forget_hidden();
        drop(hidden);
    }

    /// Whether nothing is in this directory.
    pub fn is_empty(&self) -> bool {
        self.look().entries.is_empty()
    }

    pub(super) fn touch(&self, now: Time) {
        let attributes = &mut self.alter().attributes;
        attributes.mtime = now;
        attributes.ctime = now;
    }

    pub(super) fn count_link(&self, up: bool, now: Time) {
        let mut state = self.alter();
        state.links = if up {
            state.links + 1
        } else {
            state.links.saturating_sub(1)
        };
        state.attributes.ctime = now;
    }
}
