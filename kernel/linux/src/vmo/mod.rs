//! Memory objects of programs: the torus's store, the descriptors of handles and builders, and the calls.
//!
//! Roles: [`supply`] gives the store frames of the pool as pages; [`hash`] the SHA instructions, where there are any; [`file`] is what
//! a descriptor names; [`content`] what a mapping shows; [`snapshot`] makes an object of private memory; [`calls`] are the calls
//! from 4100 on (`docs/abi.md`).
//!
//! Flow: a builder is appended to and committed; its handle is sliced, joined and patched. Before a handle is mapped, or its id told,
//! its pages are hashed, a few in each run of the call ([`hash::all`]). From then on its pages are found by root, and its frames
//! are the page cache's too.
//!
//! The small nodes of objects come from the kernel's heap and cannot fail; every call reserves it before ([`cost`]).

mod boot;
pub mod calls;
mod content;
mod cost;
mod error;
pub mod file;
pub mod hash;
mod patches;
pub mod snapshot;
mod supply;

use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use supply::Frames;
use vm::builder::VBuilder;
use vm::store::VmoStore;
use vm::vmo::VmoHandle;

/// A capability to a memory object of this torus.
pub type Handle = VmoHandle<Frames>;
/// A builder of one.
type Builder = VBuilder<Frames>;

/// The store of a torus, made before its first process.
pub struct Store(spin::Once<VmoStore<Frames>>);

tori::part!(Store, 8);

impl Store {
    /// None yet.
    pub const fn new() -> Self {
        Self(spin::Once::new())
    }

    /// Forgets what no object has any more.
    pub fn sweep(&self) {
        if let Some(store) = self.0.get() {
            // Counting what is alive removes the rest.
            let _ = store.counts();
        }
    }
}

/// Makes the store of this core's torus, before its first process. ENOMEM without memory for it.
pub fn prepare() -> Result<(), Errno> {
    store().map(|_| ())
}

/// The store of this core's torus.
fn store() -> Result<&'static VmoStore<Frames>, Errno> {
    let Store(store) = tori::here().part::<Store>();
    if let Some(store) = store.get() {
        return Ok(store);
    }
    let _held = cost::reserve(cost::STORE)?;
    Ok(store.call_once(|| VmoStore::new(Frames, mem::hash::hasher())))
}
