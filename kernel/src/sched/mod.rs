//! The scheduler: per-core run queues within a torus, waiting and waking.

pub mod lock;
pub mod time;
pub mod wait;

use crate::process::Thread;
use alloc::sync::Arc;

/// The thread that runs on this core.
///
/// # Panics
/// When called from idle: only system calls and faults have a current thread.
pub fn current() -> Arc<Thread> {
    unimplemented!("scheduler")
}
