//! Values that belong to one core.

/// What belongs to one core, within what other cores can see too. What it holds are cells, a reference to which cannot leave the core.
#[derive(Debug)]
pub struct Local<T>(T);

// SAFETY: K20, the core that the value belongs to alone gets to it.
unsafe impl<T: Send> Sync for Local<T> {}

impl<T: Default> Default for Local<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> Local<T> {
    /// This value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value.
    ///
    /// # Safety
    /// The executing core is the one that it belongs to, or touches no cell of it.
    #[inline]
    pub const unsafe fn get(&self) -> &T {
        &self.0
    }

    /// The value, which nobody shares yet.
    #[inline]
    pub const fn get_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
