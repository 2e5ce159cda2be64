//! Memory that is set aside before it is allocated.

use crate::NoMemory;
use core::marker::PhantomData;
use spin::Once;

/// What stands behind reservations: the kernel's heap.
pub trait Reserve: Sync {
    /// Sets memory aside for the core that executes this: for `blocks` allocations of `bytes` in all. A core that holds a
    /// reservation needs no other. Answers a mark, which [`Reserve::release`] takes.
    ///
    /// # Errors
    /// [`NoMemory`].
    fn reserve(&self, blocks: usize, bytes: usize) -> Result<u64, NoMemory>;

    /// Has the core that executes this draw on what is kept for the worst, as far as that reaches. Answers a mark, too.
    fn insist(&self) -> u64;

    /// Gives back what has not been drawn since the reservation with this mark. Reservations of a core are released in the reverse order.
    fn release(&self, mark: u64);
}

static BOUND: Once<&'static dyn Reserve> = Once::new();

/// Binds what stands behind reservations; once, at boot.
pub fn bind(heap: &'static dyn Reserve) {
    BOUND.call_once(|| heap);
}

/// Memory that is set aside for the core that holds this, until it is dropped.
#[derive(Debug)]
#[must_use = "a reservation that is dropped reserves nothing"]
pub struct Reserved {
    mark: u64,
    /// It stays on its core.
    here: PhantomData<*const ()>,
}

/// Sets memory aside for `blocks` allocations of `bytes` in all, beside what allocators need of their own. Until it is dropped all
/// doors draw on it, and none fails: it has to be large enough for all that is done meanwhile.
///
/// # Errors
/// [`NoMemory`].
#[inline]
pub fn reserve(blocks: usize, bytes: usize) -> Result<Reserved, NoMemory> {
    let mark = match BOUND.get() {
        Some(heap) => heap.reserve(blocks, bytes)?,
        None => 0,
    };
    Ok(Reserved {
        mark,
        here: PhantomData,
    })
}

/// Has all doors draw on what is kept for the worst until this is dropped: for a few small blocks of something that is to be refused last.
/// They may fail all the same, when that is used up too: nothing is reserved by this.
#[inline]
pub fn insist() -> Reserved {
    Reserved {
        mark: BOUND.get().map_or(0, |heap| heap.insist()),
        here: PhantomData,
    }
}

impl Drop for Reserved {
    #[inline]
    fn drop(&mut self) {
        if let Some(heap) = BOUND.get() {
            heap.release(self.mark);
        }
    }
}
