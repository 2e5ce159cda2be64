//! Memory objects that processes of other tori map: `torus::lease` decides, this executes.
//!
//! [`home`] lends the pages of this torus's objects, [`holder`] maps those of others; [`Taken`] is what a process takes with it.

pub mod holder;
pub mod home;
pub mod receive;

use crate::TravelError;
use alloc::collections::BTreeMap;
use core::sync::atomic::{AtomicBool, AtomicU64};
use fallible::{NoMemory, TryMap};
use mem::frame_ref::FrameRef;
use mem::object::{MemoryObject, ObjectRef};
use mem::reclaim::Retry;
use sync::Lock;
use tori::pieces;
use tori::rings;
use tori::rings::Places;
use torus::TorusId;
use torus::lease::Message;
use torus::lease::{Holdings, Lender};
use vm::frames::Owner;

/// What a torus has for leases.
pub struct Leases {
    lender: Lock<Lender<Owner, ObjectRef, FrameRef>>,
    /// Objects of other tori that are mapped here.
    held: Lock<Holdings<MemoryObject, Places>>,
    /// The next lease's number.
    next: AtomicU64,
    /// Some of them may not be mapped any more.
    ended: AtomicBool,
    /// What has been tried to get memory for pages that are to be lent.
    retry: Retry,
}

tori::part!(Leases, 19);

impl Leases {
    /// Nothing is lent or held.
    pub(crate) const fn new() -> Self {
        Self {
            lender: Lock::new(Lender::new()),
            held: Lock::new(Holdings::new()),
            next: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            retry: Retry::new(),
        }
    }

    /// Gives back what is only kept for later.
    pub(crate) fn shrink(&self) {
        self.lender.lock().shrink();
        self.held.lock().shrink();
    }

    /// Whether nothing is lent or held.
    fn is_quiet(&self) -> bool {
        self.lender.lock().is_empty() && self.held.lock().is_empty()
    }
}

/// Whether this torus lends nothing, and holds nothing of others.
pub fn is_quiet() -> bool {
    own().is_quiet()
}

fn own() -> &'static Leases {
    tori::here().part::<Leases>()
}

/// Tells the home of an object that `holder` was given it, or was not after all.
fn hold(home: TorusId, object: u64, holder: TorusId, change: i32) {
    if home == here() {
        return home::hold(object, holder, change);
    }
    let message = Message::Hold {
        object,
        holder,
        change,
    };
    rings::send(home, message);
}

fn here() -> TorusId {
    tori::here().id
}

/// What an object is called between tori.
#[derive(Clone, Copy, Debug)]
pub struct ObjectName {
    /// Its home.
    pub home: TorusId,
    /// Its number there.
    pub number: u64,
    /// Whether it never changes.
    pub content: bool,
}

/// The objects of a process on its way to another torus. Dropped before they have been [sent](Self::sent), the target holds none of them.
pub struct Taken {
    to: TorusId,
    /// How often each was taken, by home and number.
    held: BTreeMap<(TorusId, u64), i32>,
    /// Other homes have been [told](Self::tell).
    told: bool,
}

impl Taken {
    /// None yet, of a process that goes to this torus.
    pub const fn new(to: TorusId) -> Self {
        Self {
            to,
            held: BTreeMap::new(),
            told: false,
        }
    }

    /// The name of an object, which the target is counted for once more; other homes are still to be told. ENOMEM without memory for it.
    pub fn take(&mut self, object: &ObjectRef) -> Result<ObjectName, TravelError> {
        let name = match holder::of(&object.0) {
            Some(leased) if leased.name().home == self.to => return Ok(leased.name()),
            Some(leased) => leased.name(),
            None => home::give(object, self.to)?,
        };
        let key = (name.home, name.number);
        if let Some(count) = self.held.get_mut(&key) {
            *count += 1;
        } else if self.held.put(key, 1).is_err() {
            if name.home == here() {
                home::hold(name.number, self.to, -1);
            }
            return Err(TravelError::NoMemory(NoMemory));
        }
        Ok(name)
    }

    /// Tells the homes, with one message for each object, before the target hears of the process.
    pub fn tell(&mut self) {
        self.told = true;
        for ((home, number), count) in &self.held {
            if *home != here() {
                hold(*home, *number, self.to, *count);
            }
            pieces::step();
        }
    }

    /// The target has taken them over.
    pub fn sent(mut self) {
        while self.held.pop_first().is_some() {
            pieces::step();
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        while let Some(((home, number), count)) = self.held.pop_first() {
            if self.told || home == here() {
                hold(home, number, self.to, -count);
            }
            pieces::step();
        }
    }
}
