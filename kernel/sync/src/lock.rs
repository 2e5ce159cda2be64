//! The kernel's locks.

use crate::head;
use core::fmt;
use core::ops::{Deref, DerefMut};
use spin::mutex::SpinMutexGuard;

/// What a core does while it spins for a lock. The kernel runs with interrupts off, so whoever spins serves the
/// flushes that other cores ask of it; otherwise two cores could wait for each other.
#[derive(Clone, Copy, Debug)]
pub struct Relax;

impl spin::relax::RelaxStrategy for Relax {
    fn relax() {
        core::hint::spin_loop();
        head::relax();
    }
}

/// A spin lock. The kernel runs with interrupts off, so whoever spins has to serve this core's shootdowns.
pub type Lock<T> = spin::mutex::SpinMutex<T, Relax>;

/// A lock that the timer's handler takes, and under which others do much: a timer's interrupt that comes while a core holds it, as it
/// lets interrupts in between two pieces, is handled when it is let go.
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
    #[inline]
    fn new() -> Self {
        head::with(|head| head.closed.set(head.closed.get() + 1));
        Self
    }
}

impl Drop for Closed {
    #[inline]
    fn drop(&mut self) {
        head::with(|head| {
            let closed = head.closed.get() - 1;
            head.closed.set(closed);
            if closed == 0 && head.deferred.replace(false) {
                head::raise();
            }
        });
    }
}

impl<T> IrqLock<T> {
    /// The lock of a value.
    pub const fn new(value: T) -> Self {
        Self(Lock::new(value))
    }

    /// Waits for the lock.
    #[inline]
    pub fn lock(&self) -> IrqGuard<'_, T> {
        let _closed = Closed::new();
        IrqGuard {
            guard: self.0.lock(),
            _closed,
        }
    }
}

impl<T> fmt::Debug for IrqLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IrqLock").finish_non_exhaustive()
    }
}

impl<T> Deref for IrqGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for IrqGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

#[cfg(test)]
mod tests;
