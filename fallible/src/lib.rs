#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::disallowed_macros,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )
)]

extern crate alloc;

mod collections;
mod reserve;

pub use collections::{
    Text, TryDeque, TryMap, TryVec, collect, text, to_vec, try_clone, with_capacity,
};
pub use reserve::{Reserve, Reserved, bind, insist, reserve};

use alloc::boxed::Box;
use alloc::collections::TryReserveError;
use alloc::sync::Arc;

/// There is no memory for what was to be allocated. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("out of memory")]
pub struct NoMemory;

impl From<TryReserveError> for NoMemory {
    fn from(_: TryReserveError) -> Self {
        Self
    }
}

/// Bytes of the counts of an `Arc`.
const COUNTS: usize = 2 * size_of::<usize>();

/// A block for one value of `T` with `extra` bytes before it.
const fn block<T>(extra: usize) -> usize {
    size_of::<T>() + extra + align_of::<T>()
}

/// `Arc::new`.
///
/// # Errors
/// [`NoMemory`].
#[expect(clippy::disallowed_methods, reason = "reserved")]
#[inline]
pub fn arc<T>(value: T) -> Result<Arc<T>, NoMemory> {
    let _held = reserve(1, block::<T>(COUNTS))?;
    Ok(Arc::new(value))
}

/// `Arc::new` of what `make` answers: where it is large it is made in its place, and not moved there.
///
/// # Errors
/// [`NoMemory`]: `make` was not called.
#[expect(clippy::disallowed_methods, reason = "reserved")]
#[inline]
pub fn arc_with<T>(make: impl FnOnce() -> T) -> Result<Arc<T>, NoMemory> {
    let _held = reserve(1, block::<T>(COUNTS))?;
    Ok(Arc::new(make()))
}

/// `Box::new`.
///
/// # Errors
/// [`NoMemory`].
#[expect(clippy::disallowed_methods, reason = "reserved")]
#[inline]
pub fn boxed<T>(value: T) -> Result<Box<T>, NoMemory> {
    let _held = reserve(1, block::<T>(0))?;
    Ok(Box::new(value))
}

/// An `Arc` of a copy of `values`.
///
/// # Errors
/// [`NoMemory`].
pub fn arc_slice<T: Copy>(values: &[T]) -> Result<Arc<[T]>, NoMemory> {
    let _held = reserve(1, block::<T>(COUNTS) + size_of_val(values))?;
    Ok(Arc::from(values))
}
