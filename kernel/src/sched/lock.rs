//! The kernel's locks.

use crate::arch::{Relax, cpu};
use core::ops::{Deref, DerefMut};
use spin::mutex::SpinMutexGuard;

/// A spin lock. The kernel runs with interrupts off, so whoever spins has to serve this core's shootdowns.
pub type Lock<T> = spin::mutex::SpinMutex<T, Relax>;

/// A lock that interrupts take, and under which others do much: interrupts that come while a core holds it, as
/// [`cpu::let_interrupts_in`] lets them in, are handled when it is let go.
pub struct IrqLock<T>(Lock<T>);

/// The lock, held.
pub struct IrqGuard<'a, T> {
    // First: unlocked before interrupts may come in.
    guard: SpinMutexGuard<'a, T, Relax>,
    _closed: Closed,
}

/// This core handles no interrupts.
struct Closed;

impl Closed {
    fn new() -> Self {
        let closed = &cpu::this().sched.closed;
        closed.set(closed.get() + 1);
        Self
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        let sched = &cpu::this().sched;
        let closed = sched.closed.get() - 1;
        sched.closed.set(closed);
        if closed == 0 && sched.deferred.replace(false) {
            crate::arch::raise_again();
        }
    }
}

impl<T> IrqLock<T> {
    /// The lock of a value.
    pub const fn new(value: T) -> Self {
        Self(Lock::new(value))
    }

    /// Waits for the lock.
    pub fn lock(&self) -> IrqGuard<'_, T> {
        let _closed = Closed::new();
        IrqGuard {
            guard: self.0.lock(),
            _closed,
        }
    }
}

impl<T> Deref for IrqGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for IrqGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}
