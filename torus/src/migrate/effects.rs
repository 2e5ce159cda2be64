//! What a step wants done. A machine that a message steps has nobody to tell that there is no memory, so the list needs none.

use core::ops::Deref;

/// Effects in order: at most `N`, more than any step has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Few<E, const N: usize>(heapless::Vec<E, N>);

impl<E, const N: usize> Few<E, N> {
    /// None yet.
    pub const fn new() -> Self {
        Self(heapless::Vec::new())
    }

    pub(super) fn push(&mut self, effect: E) {
        let fits = self.0.push(effect).is_ok();
        debug_assert!(fits, "a step has more effects than it can");
    }
}

impl<E, const N: usize> Default for Few<E, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E, const N: usize> Deref for Few<E, N> {
    type Target = [E];

    fn deref(&self) -> &[E] {
        &self.0
    }
}

impl<E, const N: usize> IntoIterator for Few<E, N> {
    type Item = E;
    type IntoIter = <heapless::Vec<E, N> as IntoIterator>::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
