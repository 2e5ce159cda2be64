//! Names that move: rename.

use super::{Name, Node, Tmp};
use crate::credentials::Identity;
use crate::error::FileError;
use crate::permission::{self, Access};
use crate::stat::Time;
use alloc::sync::Arc;
use fallible::reserve;
use spin::relax::RelaxStrategy;

/// Nodes of maps that a rename makes at most, and the size of one: an entry by name and by position, and one that is hidden.
const BLOCKS: usize = 32;
const BLOCK: usize = 640;

impl<C, R: RelaxStrategy> Tmp<C, R> {
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
        let position = to.0.alter().entries.insert(to.1, node.clone())?;
        if node.is_directory() {
            from.0.count_link(false, now);
            to.0.count_link(true, now);
        }
        node.set_name(to.0, position);
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
