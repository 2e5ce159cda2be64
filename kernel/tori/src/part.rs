//! What layers above keep of each torus.

use crate::Torus;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use torus::TorusId;
use vm::addr::PAGE_SIZE;

/// What a layer above keeps of each torus: found by its slot.
///
/// # Safety
/// No other type has this slot.
pub unsafe trait Part: Sync + Sized + 'static {
    /// Its number, below [`PARTS`].
    const SLOT: usize;
}

/// Makes a type a layer's [`Part`] of each torus, with a slot of its own: of two with one number the program does not link.
#[macro_export]
macro_rules! part {
    ($part:ty, $slot:literal) => {
        const _: () = {
            #[unsafe(export_name = concat!("torus_part_", $slot))]
            static TAKEN: u8 = 0;
            // SAFETY: K13, there is one symbol of this name.
            unsafe impl $crate::Part for $part {
                const SLOT: usize = $slot;
            }
        };
    };
}

/// A part that is made with its torus.
pub trait Make: Part {
    /// That of `torus`, one of so many, on which nothing has run.
    fn new(torus: TorusId, tori: usize) -> Self;

    /// Enters it, and whatever of it is a part by itself.
    fn enter(&'static self, parts: &mut Parts) {
        parts.set(self);
    }
}

/// Parts that layers have of each torus: rings, four of memory, scheduler, and those of processes, files and migration.
pub const PARTS: usize = 20;

/// The parts of a torus by their slots.
pub struct Parts([AtomicPtr<()>; PARTS]);

impl Parts {
    /// Without any.
    pub(crate) const fn new() -> Self {
        Self([const { AtomicPtr::new(ptr::null_mut()) }; PARTS])
    }

    /// Whether there are all.
    pub(crate) fn are_whole(&mut self) -> bool {
        self.0.iter_mut().all(|part| !part.get_mut().is_null())
    }

    /// Enters a part.
    pub fn set<T: Part>(&mut self, part: &'static T) {
        *self.0[T::SLOT].get_mut() = ptr::from_ref(part).cast_mut().cast();
    }
}

/// How a layer's part of a torus is made.
#[derive(Clone, Copy, Debug)]
pub struct Maker {
    pub(crate) bytes: usize,
    make: unsafe fn(*mut u8, TorusId, usize, &mut Parts),
}

impl Maker {
    /// Of this part.
    pub const fn of<T: Make>() -> Self {
        const { assert!(align_of::<T>() <= PAGE_SIZE) };
        Self {
            bytes: size_of::<T>(),
            make: make::<T>,
        }
    }

    /// Makes the part of a torus, one of so many, that is being built.
    ///
    /// # Safety
    /// `memory` has so many bytes from the start of a page, which stay and are nobody else's.
    pub(crate) unsafe fn make(self, memory: *mut u8, id: TorusId, tori: usize, parts: &mut Parts) {
        // SAFETY: K13, by the caller's promise.
        unsafe { (self.make)(memory, id, tori, parts) }
    }
}

/// As [`Maker::make`].
unsafe fn make<T: Make>(memory: *mut u8, id: TorusId, tori: usize, parts: &mut Parts) {
    let part = memory.cast::<T>();
    // SAFETY: K13, by the caller's promise.
    unsafe {
        part.write(T::new(id, tori));
        (*part).enter(parts);
    }
}

impl Torus {
    /// A layer's part of the torus.
    #[inline]
    pub fn part<T: Part>(&self) -> &'static T {
        let part = self.parts.0[T::SLOT].load(Ordering::Relaxed).cast::<T>();
        // SAFETY: K13, `set` alone writes the slot, which is this type's, and a torus that lacks a part is not built.
        unsafe { &*part }
    }
}
