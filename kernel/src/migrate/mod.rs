//! Migration: processes that move to another torus, and what stays behind. docs/migration.md has the protocol, `torus::migrate`
//! the state machines, `vm` the tables; this executes them.
//!
//! *Roles.* [`call`] is what programs ask for. [`depart`] freezes a process on its way back to its program, makes its
//! [`image`] and offers it; [`arrive`] makes the process of an image. [`host`] pulls pages for a process that has arrived;
//! [`lease`] is about shared memory, [`home`] keeps and grants those that stayed here, [`reading`] has them come back from swap first.
//!
//! *Locks.* A space's lock guards its machine ([`host::Host`]) too. Under it a frozen space of the same torus may be locked, and
//! [`Share`]'s maps, which are held for a look only. Threads and processes are told when the space's lock is free again.

pub mod arrive;
pub mod call;
pub mod depart;
pub mod home;
pub mod host;
pub mod image;
pub mod lease;
mod reading;
pub mod receive;

use crate::migrate::depart::HasMoving as _;
use crate::process::Thread;
use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use core::sync::atomic::{AtomicU32, Ordering};
use mem::space::Space;
use sync::Lock;
use torus::{DepositId, DepositNames, TorusId};

/// Gives an empty map's last node back.
fn shrink<K, V>(map: &mut BTreeMap<K, V>) {
    if map.is_empty() {
        *map = BTreeMap::new();
    }
}

/// What a torus has for migration.
pub struct Share {
    names: Lock<DepositNames>,
    /// Pages that stayed here.
    deposits: Lock<BTreeMap<DepositId, Arc<home::Home>>>,
    /// The spaces here that have claims to deposits.
    claims: Lock<BTreeMap<DepositId, Weak<Space>>>,
    /// Shared memory, here and elsewhere.
    leases: lease::Share,
    /// While nobody is taken in: how often it has been looked whether the torus is empty; else 0.
    draining: AtomicU32,
}

impl Share {
    /// Of a torus that nobody has left.
    pub const fn new(torus: TorusId) -> Self {
        Self {
            names: Lock::new(DepositNames::new(torus)),
            deposits: Lock::new(BTreeMap::new()),
            claims: Lock::new(BTreeMap::new()),
            leases: lease::Share::new(),
            draining: AtomicU32::new(0),
        }
    }

    /// Gives back what is only kept for later.
    pub fn shrink(&self) {
        shrink(&mut self.deposits.lock());
        shrink(&mut self.claims.lock());
        self.leases.shrink();
    }

    fn deposit(&self, id: DepositId) -> Option<Arc<home::Home>> {
        self.deposits.lock().get(&id).cloned()
    }

    fn claimant(&self, id: DepositId) -> Option<Arc<Space>> {
        let claimant = self.claims.lock().get(&id).cloned();
        claimant?.upgrade()
    }

    /// A space with claims, to go on pulling for; they take turns.
    fn any_claimant(&self, after: Option<DepositId>) -> Option<(DepositId, Arc<Space>)> {
        use core::ops::Bound::{Excluded, Unbounded};
        let claims = self.claims.lock();
        let from = after.map_or(Unbounded, Excluded);
        let later = claims.range((from, Unbounded));
        // One that is about to end is passed over.
        let living = |(id, space): (&DepositId, &Weak<Space>)| Some((*id, space.upgrade()?));
        later.chain(claims.iter()).find_map(living)
    }

    /// Whether processes are refused.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed) > 0
    }

    /// From now on processes are refused, or taken in again.
    pub fn set_draining(&self, draining: bool) {
        self.draining.store(draining.into(), Ordering::Relaxed);
    }

    /// Counts a look at the processes that are still here.
    pub fn count_look(&self) -> u32 {
        self.draining.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether spaces here have pages elsewhere.
    pub fn has_claims(&self) -> bool {
        !self.claims.lock().is_empty()
    }
}

/// This core's torus's.
fn own() -> &'static Share {
    tori::here().part::<Share>()
}

/// Whether no page of a process that is elsewhere is here, and no memory object of another torus.
pub fn is_quiet() -> bool {
    own().deposits.lock().is_empty() && own().leases.is_quiet()
}

/// Has a process go to another torus as soon as it can, if it is not on its way already.
pub fn send_away(thread: &Arc<Thread>, to: TorusId) {
    if thread
        .process
        .moving()
        .lock()
        .wants(to, depart::Asker::Nobody)
        .is_ok()
    {
        thread.call_attention();
    }
}

/// Frames that a space has here, and homes where pages of it are.
pub fn pages(space: &Space) -> (u64, u64) {
    let homes = host::with(space, |_, host| host.resident.claims().len() as u64);
    (space.look(|space| space.resident()), homes.unwrap_or(0))
}
