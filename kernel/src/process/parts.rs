//! What layers above have of each process: its descriptors, its way to another torus. Processes are made with it, and know no more of it.

use super::Process;
use alloc::boxed::Box;
use core::any::Any;
use fallible::{NoMemory, boxed};

/// What a layer has of each process: found by its slot.
pub trait Part: Any + Send + Sync {
    /// Its number, which no other part has.
    const SLOT: usize;
}

/// The parts of a process by their slots.
pub struct Parts([Box<dyn Any + Send + Sync>; 2]);

impl Parts {
    /// These two, which have slots 0 and 1. [`NoMemory`] without memory for them.
    pub fn new<A: Part, B: Part>(first: A, second: B) -> Result<Self, NoMemory> {
        const { assert!(A::SLOT == 0 && B::SLOT == 1) };
        Ok(Self([boxed(first)?, boxed(second)?]))
    }
}

impl Process {
    /// A layer's part of the process.
    ///
    /// # Panics
    /// It is none of those that [`Parts::new`] names.
    pub fn part<T: Part>(&self) -> &T {
        let part = self.parts.0[T::SLOT].downcast_ref();
        part.unwrap_or_else(|| unreachable!("a process lacks a part"))
    }
}
