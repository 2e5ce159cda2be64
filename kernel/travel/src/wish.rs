//! Who waits for memory or the disk on behalf of another torus.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use fallible::{NoMemory, insist};
use mem::reclaim::{Retry, Room};
use sync::Waiter;
use tori::rings::{self, Places};
use torus::message::Protocol;

/// Something that another torus asks for and that is waited for on its behalf. Woken, it has the own torus receive a message that says
/// what to look at again, once and with no lock held.
pub(crate) struct Wished<M> {
    again: M,
    woken: AtomicBool,
    _places: Places,
}

impl<M: Protocol + Copy + Send + Sync + 'static> Wished<M> {
    /// Has `again` received when it is woken. Without memory for it what is asked for cannot be had: the last frames are for it.
    pub(crate) fn new(again: M) -> Result<Arc<Self>, NoMemory> {
        let _held = insist();
        fallible::arc(Self {
            again,
            woken: AtomicBool::new(false),
            _places: Places::reserve(1)?,
        })
    }

    /// Makes room for it, which is waited for on its behalf.
    pub(crate) fn make_room(&self, retry: &Retry) -> Room {
        retry.make_room(None, || self.look_later())
    }

    /// Nobody else wakes it.
    fn look_later(&self) {
        if self.is_first() {
            rings::look_later(self.again);
        }
    }

    /// Whether nobody has woken it before.
    fn is_first(&self) -> bool {
        !self.woken.swap(true, Ordering::AcqRel)
    }
}

impl<M: Protocol + Copy + Send + Sync + 'static> Waiter for Wished<M> {
    fn wake(self: Arc<Self>) {
        if self.is_first() {
            rings::send(tori::here().id, self.again);
        }
    }

    fn refuse(self: Arc<Self>) {
        self.look_later();
    }

    fn is_gone(&self) -> bool {
        self.woken.load(Ordering::Acquire)
    }
}
