//! Cells that belong to one core at a time.

use core::cell::UnsafeCell;
use core::fmt;

/// A value that only the core its owner is on may touch: a thread's private state, or a core's own.
/// No lock, no atomic: what one core alone touches needs none (the kernel runs with interrupts off).
pub struct OwnCell<T>(UnsafeCell<T>);

impl<T> fmt::Debug for OwnCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnCell").finish_non_exhaustive()
    }
}

// SAFETY: K20, one core at a time touches the value.
unsafe impl<T: Send> Sync for OwnCell<T> {}

impl<T> OwnCell<T> {
    /// A cell with this value.
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// The place of the value, for the trap entry and the register-loading code.
    #[inline]
    pub const fn as_ptr(&self) -> *mut T {
        self.0.get()
    }

    /// Works on the value. `f` must not come back to this cell.
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: K20, this core alone may touch the value now, and `f` is the only user of it meanwhile.
        f(unsafe { &mut *self.0.get() })
    }

    /// Replaces the value, returning the old one.
    #[inline]
    pub fn replace(&self, value: T) -> T {
        self.with(|old| core::mem::replace(old, value))
    }

    /// Sets the value.
    #[inline]
    pub fn set(&self, value: T) {
        self.with(|old| *old = value);
    }
}

impl<T: Copy> OwnCell<T> {
    /// A copy of the value.
    #[inline]
    pub fn get(&self) -> T {
        self.with(|value| *value)
    }
}
