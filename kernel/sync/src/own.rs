//! Cells that one core works on.

use core::cell::{Cell, UnsafeCell};
use core::fmt;

/// A value of a thread that is worked on where it lies. A reference to it cannot leave the core that has it (it is not `Sync`): what
/// other cores see besides lies around a [`Local`](crate::Local) of such cells. It is a `RefCell` for less: somebody works on the value, or nobody.
#[derive(Default)]
pub struct OwnCell<T> {
    busy: Cell<bool>,
    value: UnsafeCell<T>,
}

impl<T> fmt::Debug for OwnCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnCell").finish_non_exhaustive()
    }
}

#[cold]
fn twice() -> ! {
    panic!("who works on a cell comes back to it")
}

impl<T> OwnCell<T> {
    /// A cell with this value.
    pub const fn new(value: T) -> Self {
        Self {
            busy: Cell::new(false),
            value: UnsafeCell::new(value),
        }
    }

    /// Works on the value.
    ///
    /// # Panics
    /// Where `f` comes back to this cell.
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        if self.busy.replace(true) {
            twice();
        }
        // SAFETY: K20, this core alone has the cell, and whoever comes back to it meanwhile finds it busy.
        let result = f(unsafe { &mut *self.value.get() });
        self.busy.set(false);
        result
    }

    /// Replaces the value, returning the old one.
    #[inline]
    pub fn replace(&self, value: T) -> T {
        if self.busy.get() {
            twice();
        }
        // SAFETY: K20, this core alone has the cell, and nobody works on the value.
        unsafe { self.value.get().replace(value) }
    }

    /// Sets the value.
    #[inline]
    pub fn set(&self, value: T) {
        drop(self.replace(value));
    }
}

#[cfg(test)]
mod tests;
