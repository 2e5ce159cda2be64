//! What processes do for the pages that are on their way: whoever knows processes says it once ([`connect`]).

use spin::Once;
use torus::pid::Pid;

/// Processes, as far as their pages are elsewhere. Nothing here is called under a lock of this crate.
pub trait Processes: Sync {
    /// The process for whose thread the core works.
    fn asker(&self) -> Pid;

    /// A page of the process cannot be had from another torus: it ends.
    fn lost(&self, pid: Pid);

    /// Nothing of its pages keeps the process from leaving any more.
    fn can_leave(&self, pid: Pid);

    /// Something has gone that may have been the last of any process on this core's torus.
    fn emptied(&self);
}

static PROCESSES: Once<&'static dyn Processes> = Once::new();

/// Says who knows processes. Called once, before the first of them.
pub fn connect(processes: &'static dyn Processes) {
    PROCESSES.call_once(|| processes);
}

/// Who knows processes.
///
/// # Panics
/// Before [`connect`].
pub(crate) fn processes() -> &'static dyn Processes {
    let known = PROCESSES.get();
    *known.unwrap_or_else(|| unreachable!("pages travel before there are processes"))
}
