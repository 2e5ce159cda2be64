//! What a space has on other tori, once its process has moved. Only the migration layer knows how it gets there.

use super::space::{Space, VmSpace};
use alloc::sync::Arc;
use core::any::Any;
use torus::pid::Pid;
use vm::addr::Page;
use vm::space::SpaceError;
use vm::table::Source;

/// No frame was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoFrame;

/// Pages of a space that are on other tori. All is done with the space locked.
pub trait RemotePages: Any + Send {
    /// A remote page was touched, by a thread that is enrolled with [`Space::waiters`]. True: it is here; false: it has been asked for.
    ///
    /// # Errors
    /// [`NoFrame`]: room is to be made first.
    fn pull(&mut self, space: &mut VmSpace, page: Page, source: Source) -> Result<bool, NoFrame>;

    /// The process forks: `copy`, the space of `child`, is to have what this one has.
    ///
    /// # Errors
    /// [`SpaceError::NoMemory`]; [`SpaceError::Away`] while the process is leaving.
    fn fork(&mut self, child: Pid, copy: &Arc<Space>) -> Result<(), SpaceError>;

    /// The space ends: what it has elsewhere is given up.
    fn end(self: alloc::boxed::Box<Self>, space: &mut VmSpace);
}
