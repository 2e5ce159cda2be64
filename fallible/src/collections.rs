//! Collections that grow fallibly.

use crate::{NoMemory, Reserved, reserve};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::fmt::{self, Write};

/// What a `Vec` lacks. After an error it is as before.
pub trait TryVec<T> {
    /// `push`.
    ///
    /// # Errors
    /// [`NoMemory`].
    fn try_push(&mut self, value: T) -> Result<(), NoMemory>;

    /// `insert`.
    ///
    /// # Errors
    /// [`NoMemory`].
    ///
    /// # Panics
    /// When `at` is behind the end.
    fn try_insert_at(&mut self, at: usize, value: T) -> Result<(), NoMemory>;

    /// `extend`. What an iterator brings beyond its lower bound is allowed for as it comes: after an error some of it is there.
    ///
    /// # Errors
    /// [`NoMemory`].
    fn try_extend(&mut self, values: impl IntoIterator<Item = T>) -> Result<(), NoMemory>;

    /// `extend_from_slice`.
    ///
    /// # Errors
    /// [`NoMemory`].
    fn try_extend_from_slice(&mut self, values: &[T]) -> Result<(), NoMemory>
    where
        T: Clone;

    /// `resize`.
    ///
    /// # Errors
    /// [`NoMemory`].
    fn try_resize(&mut self, len: usize, value: T) -> Result<(), NoMemory>
    where
        T: Clone;
}

#[expect(clippy::disallowed_methods, reason = "each is allowed for first")]
impl<T> TryVec<T> for Vec<T> {
    #[inline]
    fn try_push(&mut self, value: T) -> Result<(), NoMemory> {
        self.try_reserve(1)?;
        self.push(value);
        Ok(())
    }

    fn try_insert_at(&mut self, at: usize, value: T) -> Result<(), NoMemory> {
        self.try_reserve(1)?;
        self.insert(at, value);
        Ok(())
    }

    fn try_extend(&mut self, values: impl IntoIterator<Item = T>) -> Result<(), NoMemory> {
        let values = values.into_iter();
        self.try_reserve(values.size_hint().0)?;
        for value in values {
            self.try_push(value)?;
        }
        Ok(())
    }

    fn try_extend_from_slice(&mut self, values: &[T]) -> Result<(), NoMemory>
    where
        T: Clone,
    {
        self.try_reserve(values.len())?;
        self.extend_from_slice(values);
        Ok(())
    }

    fn try_resize(&mut self, len: usize, value: T) -> Result<(), NoMemory>
    where
        T: Clone,
    {
        self.try_reserve(len.saturating_sub(self.len()))?;
        self.resize(len, value);
        Ok(())
    }
}

/// What a `VecDeque` lacks. After an error it is as before.
pub trait TryDeque<T> {
    /// `push_back`.
    ///
    /// # Errors
    /// [`NoMemory`].
    fn try_push_back(&mut self, value: T) -> Result<(), NoMemory>;
}

#[expect(clippy::disallowed_methods, reason = "allowed for first")]
impl<T> TryDeque<T> for VecDeque<T> {
    fn try_push_back(&mut self, value: T) -> Result<(), NoMemory> {
        self.try_reserve(1)?;
        self.push_back(value);
        Ok(())
    }
}

/// Values in a node of a `BTreeMap`.
const NODE: usize = 11;
/// Children of an inner node, its parent, its lengths.
const LINKS: usize = (NODE + 3) * size_of::<usize>();

/// What a `BTreeMap` lacks.
pub trait TryMap<K, V> {
    /// `insert`. After an error the map is as before.
    ///
    /// # Errors
    /// [`NoMemory`].
    fn put(&mut self, key: K, value: V) -> Result<Option<V>, NoMemory>;

    /// Sets memory aside for so many insertions, of which none fails while this is held.
    ///
    /// # Errors
    /// [`NoMemory`].
    fn room(&self, insertions: usize) -> Result<Reserved, NoMemory>;
}

impl<K: Ord, V> TryMap<K, V> for BTreeMap<K, V> {
    #[expect(clippy::disallowed_methods, reason = "reserved")]
    fn put(&mut self, key: K, value: V) -> Result<Option<V>, NoMemory> {
        let _held = self.room(1)?;
        Ok(self.insert(key, value))
    }

    #[inline]
    fn room(&self, insertions: usize) -> Result<Reserved, NoMemory> {
        let nodes = insertions * nodes(self.len() + insertions - 1);
        let node = LINKS + NODE * (size_of::<K>() + size_of::<V>()) + 2 * align_of::<(K, V)>();
        reserve(nodes, nodes * node)
    }
}

/// Nodes that an insertion into a tree of `len` values makes at most: one for each level, as no node but the root is less than half
/// full, and a new root.
const fn nodes(len: usize) -> usize {
    let mut nodes = 2;
    let mut reached = NODE / 2 + 1;
    while reached <= len {
        nodes += 1;
        reached = reached.saturating_mul(NODE / 2 + 1);
    }
    nodes
}

/// An empty vector with room for `len` values.
///
/// # Errors
/// [`NoMemory`].
pub fn with_capacity<T>(len: usize) -> Result<Vec<T>, NoMemory> {
    let mut all = Vec::new();
    all.try_reserve_exact(len)?;
    Ok(all)
}

/// `to_vec`.
///
/// # Errors
/// [`NoMemory`].
pub fn to_vec<T: Copy>(values: &[T]) -> Result<Vec<T>, NoMemory> {
    try_clone(values)
}

/// A copy of a vector whose values need no memory to be cloned (`Copy` ones, `Arc`s).
///
/// # Errors
/// [`NoMemory`].
pub fn try_clone<T: Clone>(values: &[T]) -> Result<Vec<T>, NoMemory> {
    let mut all = with_capacity(values.len())?;
    all.try_extend_from_slice(values)?;
    Ok(all)
}

/// `collect` into a vector.
///
/// # Errors
/// [`NoMemory`].
pub fn collect<T>(values: impl IntoIterator<Item = T>) -> Result<Vec<T>, NoMemory> {
    let mut all = Vec::new();
    all.try_extend(values)?;
    Ok(all)
}

/// `format!`, as bytes.
///
/// # Errors
/// [`NoMemory`].
pub fn text(arguments: fmt::Arguments<'_>) -> Result<Vec<u8>, NoMemory> {
    let mut text = Text(Vec::new());
    text.write_fmt(arguments).map_err(|_| NoMemory)?;
    Ok(text.0)
}

/// Text that grows as it is written.
#[derive(Debug, Default)]
pub struct Text(pub Vec<u8>);

impl Text {
    /// Adds bytes, which need not be UTF-8.
    ///
    /// # Errors
    /// Without memory.
    pub fn write_bytes(&mut self, bytes: &[u8]) -> fmt::Result {
        self.0.try_extend_from_slice(bytes).map_err(|_| fmt::Error)
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        self.write_bytes(part.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_insertion_makes_a_node_for_each_level_and_a_root() {
        assert_eq!([0, 5, 6, 11, 35, 36].map(nodes), [2, 2, 3, 3, 3, 4]);
    }

    #[test]
    fn text_is_what_format_makes() {
        let made = text(format_args!("{} of {:#x}", 7, 255)).expect("memory");
        assert_eq!(made, b"7 of 0xff");
    }
}
