//! The core that executes, as the locks see it.

use core::cell::Cell;
use core::ptr;

/// The first words of the block of a core, at which GS points while the kernel runs.
#[derive(Debug)]
#[repr(C)]
pub struct Head {
    /// Its own address.
    pub own: Cell<*const Head>,
    /// Locks that the core holds and the timer's handler takes, under which interrupts are let in: it does not handle that one.
    pub closed: Cell<u32>,
    /// The timer's interrupt has come meanwhile.
    pub deferred: Cell<bool>,
}

impl Head {
    /// Of a core that holds no lock. Its address is written when it is where it stays.
    pub const fn new() -> Self {
        Self {
            own: Cell::new(ptr::null()),
            closed: Cell::new(0),
            deferred: Cell::new(false),
        }
    }
}

impl Default for Head {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(target_os = "none")]
mod here {
    use super::Head;
    use crate::Waiter;
    use alloc::sync::Arc;

    // SAFETY: K39, the machine binds them to safe functions of these types.
    unsafe extern "Rust" {
        safe fn sync_relax();
        safe fn sync_raise();
        safe fn sync_step();
        safe fn sync_waiter() -> Arc<dyn Waiter>;
        safe fn sync_yield();
    }

    /// Works on the head of the core that executes this.
    #[inline]
    pub(crate) fn with<R>(f: impl FnOnce(&Head) -> R) -> R {
        let own: *const Head;
        // SAFETY: K3, GS points at the block in the kernel, whose first word is its own address.
        let own = unsafe {
            core::arch::asm!("mov {}, gs:[0]", out(reg) own, options(nostack, readonly, preserves_flags));
            &*own
        };
        f(own)
    }

    /// Does what other cores ask of this one.
    pub(crate) fn relax() {
        sync_relax();
    }

    /// After a round of a loop whose length a program chooses: lets interrupts in where it is time.
    pub(crate) fn step() {
        sync_step();
    }

    /// Whom the core works for: mostly its current thread.
    pub(crate) fn waiter() -> Arc<dyn Waiter> {
        sync_waiter()
    }

    /// Has the core let others run, whose turn it is, before its current thread goes on.
    pub(crate) fn yield_now() {
        sync_yield();
    }

    /// Has the timer's interrupt come again.
    pub(crate) fn raise() {
        sync_raise();
    }
}

#[cfg(not(target_os = "none"))]
mod here {
    use super::Head;

    std::thread_local! {
        static HEAD: Head = const { Head::new() };
    }

    pub(crate) fn with<R>(f: impl FnOnce(&Head) -> R) -> R {
        HEAD.with(f)
    }

    pub(crate) fn relax() {
        std::thread::yield_now();
    }

    pub(crate) fn step() {}

    pub(crate) fn yield_now() {}

    pub(crate) fn raise() {}
}

#[cfg(target_os = "none")]
pub(crate) use here::waiter;
pub(crate) use here::{raise, relax, step, with, yield_now};
