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

/// The scheduler's state of one core.
pub struct Core {}

impl Core {
    /// A core that has nothing to do.
    pub const fn new() -> Self {
        Self {}
    }
}

/// The registers of the thread that this core goes on with.
pub fn next_thread() -> *mut crate::arch::regs::UserRegs {
    loop {
        crate::arch::cpu::halt_until_interrupt();
    }
}
