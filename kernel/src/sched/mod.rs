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
pub mod pieces;
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
use ::core::cell::Cell;
use ::core::sync::atomic::Ordering;
use alloc::sync::Arc;
use machine::cpu;
use sync::Waiter;
use torus::DepositId;

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

/// The kernel's heap has grown by so many frames for the current thread, or shrunk, if there is any and the core works for it: not for
/// another torus, and not for what has come from there.
pub fn charge_heap(frames: i64) {
    let works_for_it = || has_current() && !is_on_behalf() && !tori::rings::delivers();
    if cpu::place().is_some() && works_for_it() {
        with_current(|thread| {
            let charged = &thread.process.heap_frames;
            charged.fetch_add(frames, Ordering::Relaxed);
        });
    }
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

/// Runs `f`, which works for `waiter` and not for the current thread: it waits for pages that `f` needs.
pub fn on_behalf<R>(waiter: Arc<dyn Waiter>, f: impl FnOnce() -> R) -> R {
    let (core, serves) = (this(), &tori::own().serves);
    let before = core.on_behalf.replace(Some(waiter));
    serves.set(true);
    let result = f();
    serves.set(before.is_some());
    core.on_behalf.set(before);
    result
}

/// Whom this core works for: the current thread, unless [`on_behalf`] says another.
pub fn waiter() -> Arc<dyn Waiter> {
    let on_behalf = &this().on_behalf;
    let other = on_behalf.take();
    on_behalf.set(other.clone());
    other.unwrap_or_else(|| current())
}

/// Whether this core works for somebody else than the current thread: see [`on_behalf`].
pub fn is_on_behalf() -> bool {
    tori::own().serves.get()
}

/// Runs `f` as [`on_behalf`] does, for a user of another torus.
pub fn serve<R>(user: u32, waiter: Arc<dyn Waiter>, f: impl FnOnce() -> R) -> R {
    let core = this();
    let before = core.served_user.replace(user);
    let result = on_behalf(waiter, f);
    core.served_user.set(before);
    result
}

/// The user for whom this core [serves](serve) another torus; 0 where that is nobody.
pub fn served_user() -> u32 {
    this().served_user.get()
}

/// The console has interrupted this core, and what has arrived there has not been taken in.
#[inline]
pub fn input() -> &'static Cell<bool> {
    &this().input
}

/// The deposit that this core has drained last, of a process that has come from another torus.
pub fn drained() -> &'static Cell<Option<DepositId>> {
    &this().drained
}

/// Works on this core's random number generator.
pub fn with_random<R>(f: impl FnOnce(&mut Option<chacha20::ChaCha20Rng>) -> R) -> R {
    f(&mut this().random.borrow_mut())
}

/// Whether this core has something else to do than what it does now.
pub fn is_wanted() -> bool {
    this().resched.load(::core::sync::atomic::Ordering::Relaxed) || tori::rings::calls()
}

/// Between two pieces of a long call: lets interrupts in. True when the core has something else to do, so that the call
/// should stop with [`Stop::Again`](crate::syscall::call::Stop::Again). For locks see [`cpu::let_interrupts_in`].
pub fn pause() -> bool {
    cpu::let_interrupts_in();
    is_wanted()
}

/// The current thread lets somebody else have a turn before its own (sched_yield(2)).
pub fn give_way() {
    let core = this();
    charge();
    let behind = core.queue.lock().behind_first();
    with_current(|thread| core.account.stand_behind(thread, behind));
    yield_now();
}

/// Has the current thread let others run whose turn it is.
pub fn yield_now() {
    this()
        .resched
        .store(true, ::core::sync::atomic::Ordering::Relaxed);
}
