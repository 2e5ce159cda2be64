//! The scheduler: per-core run queues within a torus, waiting and waking.
//!
//! Roles: a [`core::Core`] picks threads from its [`queue::Queue`], steals from the other cores *of its torus* when that is
//! empty, and halts when there is nothing. A [`sync::WaitQueue`] holds threads until something changes. A
//! [`timer::Timer`] wakes a thread at a time.
//!
//! Flow: a trap saves the registers of the current thread and calls `trap`, then [`next_thread`], which answers
//! whose registers to load. A thread that woke up is queued where it ran last, or where a core idles.

pub mod account;
pub mod core;
pub mod idle;
pub mod queue;
pub mod switch;
pub mod time;
pub mod timer;
pub mod wake;

pub use switch::{leave_dead, next_thread, unload};
pub use wake::{enqueue, interrupt_if_running, tick, wake_idle};

use self::core::Core;
pub use self::core::{Kept, shared};
use crate::process::Thread;
use alloc::sync::Arc;
use machine::cpu;
use sync::Waiter;

/// The run queues of a torus: what its cores share.
pub struct RunQueues {
    /// Cores that halt with an empty queue.
    idle: idle::IdleSet,
}

impl RunQueues {
    /// Nothing runs, no core idles.
    pub const fn new() -> Self {
        Self {
            idle: idle::IdleSet::new(),
        }
    }

    /// How many cores halt with an empty queue.
    pub fn idle_cores(&self) -> usize {
        self.idle.len()
    }
}

/// This core.
#[inline]
fn this() -> &'static Core {
    core::this()
}

/// Whether a thread runs on this core.
pub fn has_current() -> bool {
    this().current.get().is_some()
}

/// Queues a thread on this core that was taken out of a queue.
pub fn queue_here(thread: Arc<Thread>) {
    this().push(thread);
}

/// The thread that runs on this core.
///
/// # Panics
/// When called from idle: only system calls and faults have a current thread.
pub fn current() -> Arc<Thread> {
    with_current(Arc::clone)
}

/// Works on the thread that runs on this core.
///
/// # Panics
/// Like [`current`].
#[inline]
pub fn with_current<R>(f: impl FnOnce(&Arc<Thread>) -> R) -> R {
    match this().current.get() {
        Some(thread) => f(thread),
        None => nobody(),
    }
}

#[cold]
fn nobody() -> ! {
    panic!("no current thread on core {}", cpu::this().index)
}

/// Counts what the current thread has used of its core so far.
pub fn charge() {
    with_current(|thread| switch::charge(this(), thread));
}

/// The current thread comes into the kernel.
#[inline]
pub fn enter_kernel() {
    this().account.enter();
}

/// Whom this core works for: the current thread, unless [`tori::on_behalf`] says another.
pub fn waiter() -> Arc<dyn Waiter> {
    tori::behalf().unwrap_or_else(|| current())
}

/// The current thread lets somebody else have a turn before its own (sched_yield(2)).
pub fn give_way() {
    let core = this();
    charge();
    let behind = core.queue.lock().behind_first();
    with_current(|thread| core.account.stand_behind(thread, behind));
    cpu::request_resched();
}
