//! Making the rings at boot, while one core works for all tori.

use super::LINES;
use super::ends::{Door, Exit, Inlet, Rings, Way};
use super::places::{Later, Signs};
use super::probe::Tally;
use core::mem;
use core::sync::atomic::{AtomicU32, AtomicUsize};
use crossbeam_utils::CachePadded;
use sync::Lock;
use sync::WaitQueue;
use torus::outbox::{Block, Bounds, Pool};
use torus::ring::{Bell, Ring};

impl Door {
    /// A door at which nobody listens.
    pub(crate) fn new() -> Self {
        Self {
            bell: Bell::new(),
            apic_id: CachePadded::new(AtomicU32::new(0)),
        }
    }
}

impl Rings {
    /// A torus's part of what is connected later; everything lies in its memory, with one ring, exit and inlet for
    /// each torus.
    pub fn new(
        door: &'static Door,
        rings: &'static mut [Ring<LINES>],
        (places, bounds): (&'static mut [Block], Bounds),
        exits: &'static [Lock<Exit>],
        inlets: &'static mut [Option<Inlet>],
        tallies: &'static mut [Tally],
    ) -> Self {
        Self {
            door,
            unconnected: Lock::new(rings),
            pool: Lock::new(Pool::new(places, bounds)),
            exits,
            inlets: Lock::new(inlets),
            signs: CachePadded::new(Signs::new()),
            ear: AtomicUsize::new(0),
            later: Later::new(),
            tallies: Lock::new(tallies),
            arrivals: WaitQueue::new(),
        }
    }
}

/// Gives every torus its ends, and has the first core of each listen. Before the cores join their tori.
pub fn connect() {
    for to in crate::all() {
        let here: &Rings = to.part();
        let rings = mem::take(&mut *here.unconnected.lock());
        for (from, ring) in crate::all().zip(rings) {
            let (sender, receiver) = ring.split(&here.door.bell);
            let there: &Rings = from.part();
            there.exits[to.id.index()].lock().way = Some(Way {
                sender,
                door: here.door,
            });
            here.inlets.lock()[from.id.index()] = Some(Inlet::new(from.id, receiver, there.door));
        }
        here.listen(to.core(0));
        here.door.bell.arm();
    }
}
